#pragma once

#include <strata/store/content_intent.hpp>

namespace strata {

STRATA_INLINE ContentIntent content_intent(fs::path const& tar_split, LayerRecord const& before,
                                           LayerRecord const& after) {
  ContentIntent intent{.before = before, .after = after};
  if (!tar_split.empty()) {
    intent.archive = tar_split.filename().native();
    intent.archive_inode = sys::find_status(tar_split)->st_ino;
  }
  return intent;
}

}  // namespace strata
