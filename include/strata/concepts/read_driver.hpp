#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/id_map.hpp>

#include <concepts>
#include <optional>

namespace strata {

class LayerTree;  // tree/layer_tree.hpp

/// Maps from container ids to the ids that the files of a layer are stored with.
struct ReadMaps {
  IdMaps stored = {};  ///< of the layer and those below it
  /// If mounts shift owners for a container: its maps, with which it writes into the layer's own tree; `stored`
  /// is then empty.
  IdMaps container = {};

  /// Those of the layer's own tree, and of a mount for the container.
  IdMaps const& own() const noexcept { return container.empty() ? stored : container; }
};

/// Reads the files of a layer, merged with those of its parents, without mounting it. Not needed for an
/// `OwnTreeDriver` whose trees are whole: `read_tree_of` reads these.
///
/// - `c.read_tree(id, maps)`  the tree, its owners as container ids; none if this layer can be read only
///   by mounting it, which the store then does. `Errc::layer_unknown`
template <class D>
concept ReadDriver = LayerDriver<D> && requires(D const& c, LayerId const& id, ReadMaps const& maps) {
  { c.read_tree(id, maps) } -> std::same_as<std::optional<LayerTree>>;
};

}  // namespace strata
