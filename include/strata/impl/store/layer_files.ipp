#pragma once

#include <strata/records/record.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/sys/file.hpp>

namespace strata {

STRATA_INLINE void check_not_top_layer(ImageRecord const& image, std::string const& id) {
  if (image.top_layer == id)
    throw Error(Errc::layer_used_by_image, "layer \"" + id + '"', image.id).about(Subject::layer, id);
}

}  // namespace strata
