#pragma once

#include <strata/store/archive_fields.hpp>

namespace strata {

STRATA_INLINE void copy_archive_fields(LayerRecord const& from, LayerRecord& to) {
  archive_fields(to) = archive_fields(from);
}

STRATA_INLINE bool has_archive_fields_of(LayerRecord const& one, LayerRecord const& other) {
  return archive_fields(one) == archive_fields(other);
}

}  // namespace strata
