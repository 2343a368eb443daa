#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <string>
#include <string_view>

namespace strata::archive {

/// Converts an archive's name to a path relative to the tree's root, with the root as "/": clean, without a
/// leading "/"; empty for the root itself. Purely textual: "a/../b" is "b" even if "a" is a link.
/// @throws `Errc::unsafe_path` for a NUL, at which the kernel would end the name
std::string path_in_tree(std::string_view name);

/// A path in a tree, split before its last component.
struct TreePath {
  std::string_view parent;  ///< empty for the root
  std::string_view base;

  explicit TreePath(std::string_view path) noexcept;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/tree_path.ipp>
#endif
