#pragma once

#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/read_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/id.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_tree.hpp>

#include <optional>
#include <vector>

namespace strata {

/// A layer's files, read without a mount: by a `ReadDriver`, or from the layer's own tree if that is whole.
/// None if the driver offers neither.
/// @throws as `ReadDriver`, `OwnTreeDriver`
template <LayerDriver D>
std::optional<LayerTree> read_tree_of(D const& driver, LayerId const& id, ReadMaps const& maps = {}) {
  auto tree = with_ability<std::optional<LayerTree>>(
      driver, [&](ReadDriver auto const& able) { return able.read_tree(id, maps); });
  if (tree) return tree;
  auto const own = own_tree_of(driver, id);
  if (!own || !own->whole) return std::nullopt;
  return LayerTree(archive::MergedTree(own->path, maps.own()));
}

}  // namespace strata
