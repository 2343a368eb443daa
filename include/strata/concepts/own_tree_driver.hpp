#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>

#include <concepts>
#include <filesystem>
#include <optional>

namespace strata {

/// The tree of one layer as a driver keeps it.
struct OwnTree {
  std::filesystem::path path;
  bool whole = true;         ///< has the parents' files, too; if not, whiteouts are overlayfs's
  bool keeps_owners = true;  ///< those of the archive, as far as the layer's id maps tell
  bool keeps_modes = true;
};

/// Keeps each layer's files in a directory tree that can be walked without mounting the layer.
///
/// - `c.own_tree(id)`  none if there is no such layer, or its files are not kept as a tree. The tree may be changed
///                     while it is walked. Throws `errno` if that cannot be told
template <class D>
concept OwnTreeDriver = LayerDriver<D> && requires(D const& c, LayerId const& id) {
  { c.own_tree(id) } -> std::same_as<std::optional<OwnTree>>;
};

template <LayerDriver D>
bool has_own_trees(D const& driver) {
  return with_ability<bool>(driver, [](OwnTreeDriver auto const&) { return true; });
}

/// None also if the driver is no `OwnTreeDriver`.
template <LayerDriver D>
std::optional<OwnTree> own_tree_of(D const& driver, LayerId const& id) {
  return with_ability<std::optional<OwnTree>>(
      driver, [&](OwnTreeDriver auto const& able) { return able.own_tree(id); });
}

}  // namespace strata
