#pragma once

#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/directory_cache.hpp>
#include <strata/tree/tree_path.hpp>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// Joins two relative paths; either may be empty.
std::string join(std::string_view directory, std::string_view name);

/// How far a path leads in a tree.
template <class Handle>
struct Resolved {
  Place<Handle> place;      ///< the last existing directory
  std::string rest = {};    ///< the missing rest of the path; empty if complete
  bool blocked = false;     ///< the first name of `rest` exists but is not a directory
  bool led_astray = false;  ///< a link leads to a missing target, or there are too many links
  bool found() const noexcept { return rest.empty() && !led_astray; }
};

namespace detail {

/// The names that a path resolution still has to pass, those of links included.
class NamesAhead {
 public:
  explicit NamesAhead(std::string_view path);

  bool empty() const noexcept { return names_.empty(); }
  /// True if the last name that `pop` returned came from a link.
  bool of_link() const noexcept { return of_link_; }

  std::string pop();
  void push(std::string_view more);
  /// `name` and all that is ahead, as a path.
  std::string rest(std::string name);

 private:
  std::vector<std::string> names_ = {};  // in reverse order
  std::size_t own_ = 0;                  // how many of them belong to the path itself
  bool of_link_ = false;
};

}  // namespace detail

/// Resolves a path to a directory with the tree's root as "/", like openat2(2) with RESOLVE_IN_ROOT: ".." of
/// the root is the root, and at most 40 links are followed. The tree must not change meanwhile.
/// @param path clean, without a leading "/"
/// @throws `errno`, "open <path>" and others
template <class Tree>
Resolved<typename Tree::Handle> resolve(Tree const& tree, std::string_view path) {
  Resolved<typename Tree::Handle> at;
  at.place.directory = tree.try_open(path);  // fast path: usually there is no link in it
  if (at.place.directory) {
    at.place.path = path;
    return at;
  }
  if (!sys::is_absent(errno)) sys::throw_errno("open", path);
  constexpr std::size_t most_links = 40;
  detail::NamesAhead ahead(path);
  at.place.directory = tree.open_root();
  while (!ahead.empty()) {
    auto const name = ahead.pop();
    if (name == ".") continue;
    if (name == "..") {
      at.place.left.push_back(at.place.path);
      at.place.path = std::string(TreePath(at.place.path).parent);
      at.place.directory = tree.open(at.place.path);
      continue;
    }
    auto const status = tree.look(tree.ref(at.place.directory), name, path);
    if (status && S_ISDIR(status->st_mode)) {
      at.place.directory = tree.enter(tree.ref(at.place.directory), name, path);
      at.place.path = join(at.place.path, name);
    } else if (status && S_ISLNK(status->st_mode)) {
      at.place.links.push_back(join(at.place.path, name));
      at.led_astray = at.place.links.size() > most_links;
      if (at.led_astray) return at;
      auto const target = tree.read_link(tree.ref(at.place.directory), name, path);
      if (target.starts_with('/')) {
        at.place.path.clear();
        at.place.directory = tree.open_root();
      }
      ahead.push(target);
    } else {
      at.blocked = status.has_value();
      at.led_astray = ahead.of_link();
      at.rest = ahead.rest(name);
    }
  }
  return at;
}

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/resolve.ipp>
#endif
