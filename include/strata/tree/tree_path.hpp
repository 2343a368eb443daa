#pragma once

#include <strata/clean_path.hpp>
#include <strata/error.hpp>

#include <string>
#include <string_view>

namespace strata::archive {

/// Converts an archive's name to a path relative to the tree's root, with the root as "/": clean, without a
/// leading "/"; empty for the root itself. Purely textual: "a/../b" is "b" even if "a" is a link.
/// @throws `Errc::unsafe_path` for a NUL, at which the kernel would end the name
inline std::string path_in_tree(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) throw Error(Errc::unsafe_path, "a name with a NUL");
  std::string path = clean_path("/" + std::string(name));
  path.erase(0, 1);
  return path;
}

/// A path in a tree, split before its last component.
struct TreePath {
  std::string_view parent;  ///< empty for the root
  std::string_view base;

  explicit TreePath(std::string_view path) noexcept {
    auto const slash = path.rfind('/');
    parent = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
    base = slash == std::string_view::npos ? path : path.substr(slash + 1);
  }
};

}  // namespace strata::archive
