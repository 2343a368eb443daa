#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/plain_trees.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE bool has_plain_trees(LayerDirs const& dirs, Mounter const& mounter, fs::path const& layer) {
  return !is_composefs(layer) && !std::ranges::any_of(dirs.lowers(layer), is_composefs) &&
         !mounter.by_program() && mounter.features().native_diff();
}

}  // namespace strata::drivers::overlay
