#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>

#include <concepts>
#include <optional>

namespace strata {

/// The directory tree in which a driver stores one layer.
struct OwnTree {
  fs::path path;
  bool whole = true;         ///< contains the parents' files; otherwise deletions are overlayfs whiteouts
  bool keeps_owners = true;  ///< the archive's owners, as far as the layer's id maps can express them
  bool keeps_modes = true;
};

/// Stores each layer's files in a directory tree that can be read without mounting the layer.
///
/// - `c.own_tree(id)`  none if there is no such layer, or its files are not stored as a tree. The tree may
///   change while it is read. Throws `errno` if this cannot be determined
template <class D>
concept OwnTreeDriver = LayerDriver<D> && requires(D const& c, LayerId const& id) {
  { c.own_tree(id) } -> std::same_as<std::optional<OwnTree>>;
};

template <LayerDriver D>
bool has_own_trees(D const& driver) {
  return has_ability(driver, [](OwnTreeDriver auto const&) {});
}

/// Also none if the driver is no `OwnTreeDriver`.
template <LayerDriver D>
std::optional<OwnTree> own_tree_of(D const& driver, LayerId const& id) {
  return with_ability<std::optional<OwnTree>>(
      driver, [&](OwnTreeDriver auto const& able) { return able.own_tree(id); });
}

}  // namespace strata
