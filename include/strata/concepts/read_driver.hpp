#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/id_map.hpp>

#include <concepts>
#include <optional>

namespace strata {

class LayerTree;  // tree/layer_tree.hpp

/// Reads the files of a layer, merged with those of its parents, without mounting it. Not needed for an
/// `OwnTreeDriver` whose trees are whole: `read_tree_of` reads these.
///
/// - `c.read_tree(id, maps)`  the tree, its owners as container ids of the layer's maps; none if this layer
///   can be read only by mounting it, which the store then does. `Errc::layer_unknown`
template <class D>
concept ReadDriver = LayerDriver<D> && requires(D const& c, LayerId const& id, IdMaps const& maps) {
  { c.read_tree(id, maps) } -> std::same_as<std::optional<LayerTree>>;
};

}  // namespace strata
