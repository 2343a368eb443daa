#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace strata::drivers::overlay {

/// True if the directories of a layer and of those below it show by themselves what a mount would: none is a
/// composefs image, no mount program wrote whiteouts of its own kind, and the kernel makes no redirects.
/// @throws `Errc::parent_unknown`, `errno`
inline bool has_plain_trees(LayerDirs const& dirs, Mounter const& mounter, fs::path const& layer) {
  return !is_composefs(layer) && !std::ranges::any_of(dirs.lowers(layer), is_composefs) &&
         !mounter.by_program() && mounter.features().native_diff();
}

/// These directories, uppermost first; none if they do not suffice. @throws as `has_plain_trees`
inline std::optional<std::vector<fs::path>> plain_trees(LayerDirs const& dirs, Mounter const& mounter,
                                                        fs::path const& layer) {
  if (!has_plain_trees(dirs, mounter, layer)) return std::nullopt;
  auto trees = dirs.trees_below(layer);
  trees.insert(trees.begin(), layer / paths::overlay::diff);
  return trees;
}

}  // namespace strata::drivers::overlay
