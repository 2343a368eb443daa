#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/lower_view.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE std::shared_ptr<archive::LowerView const> lower_view(LayerDirs const& dirs,
                                                                   std::optional<std::string> parent) {
  using Trees = std::vector<fs::path>;
  return std::make_shared<archive::LowerTrees>([dirs, parent = std::move(parent)]() -> std::optional<Trees> {
    if (!parent) return Trees();
    try {
      auto const below = dirs.get(*parent);
      if (is_composefs(below) || std::ranges::any_of(dirs.lowers(below), is_composefs)) return std::nullopt;
      auto trees = dirs.trees_below(below);
      trees.insert(trees.begin(), below / paths::overlay::diff);
      return trees;
    } catch (Error const& error) {
      if (error.code() != Errc::parent_unknown) throw;
      return std::nullopt;
    }
  });
}

}  // namespace strata::drivers::overlay
