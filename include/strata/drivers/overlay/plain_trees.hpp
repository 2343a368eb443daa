#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

/// True if the directories of a layer and of those below it show by themselves what a mount would: none is a
/// composefs image, no mount program wrote whiteouts of its own kind, and the kernel makes no redirects.
/// @throws `Errc::parent_unknown`, `errno`
inline bool has_plain_trees(LayerDirs const& dirs, Mounter const& mounter, fs::path const& layer) {
  return !is_composefs(layer) && !std::ranges::any_of(dirs.lowers(layer), is_composefs) &&
         !mounter.by_program() && mounter.features().native_diff();
}

}  // namespace strata::drivers::overlay
