#pragma once

#include <strata/clean_path.hpp>
#include <strata/tree/tree_path.hpp>

namespace strata::archive {

STRATA_INLINE std::string path_in_tree(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) throw Error(Errc::unsafe_path, "a name with a NUL");
  std::string path = clean_path("/" + std::string(name));
  path.erase(0, 1);
  return path;
}

STRATA_INLINE TreePath::TreePath(std::string_view path) noexcept {
  auto const slash = path.rfind('/');
  parent = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  base = slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace strata::archive
