#pragma once

#include <strata/archive/name_set.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/directory_cache.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_path.hpp>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace strata::archive {

/// Finds, creates and removes the places of a tree that entries refer to. Never removes what must be found
/// again under its entry's name when the archive is exported. Not safe for concurrent use.
template <class Tree>
class Places {
 public:
  using Handle = typename Tree::Handle;
  using Place = archive::Place<Handle>;

  /// @param options must outlive the object
  Places(Tree tree, ApplyOptions const& options) : tree_(std::move(tree)), options_(options) {}

  Tree& tree() noexcept { return tree_; }

  Place* known(std::string_view path) noexcept { return cache_.find(path); }
  Place& keep(std::string_view path, Place place) { return cache_.put(path, std::move(place)); }
  void forget() noexcept { cache_.clear(); }

  /// The directory at a path; null if it does not exist, with `at` set to how far the path leads.
  /// @throws as `check_links`; `errno`, "open <path>"
  Place* find(std::string_view path, Resolved<Handle>& at) {
    if (auto* const place = known(path)) return place;
    at = resolve(tree_, path);
    check_links(at.place);
    return at.found() ? &keep(path, std::move(at.place)) : nullptr;
  }

  /// The directory at a path, created if missing. `rules` decide what it may replace.
  /// @throws `errno`, "mkdir <path>": ELOOP or ENOTDIR if a link leads to a missing target
  template <class Rules>
  Place& make_parent(std::string_view path, Rules& rules) {
    Resolved<Handle> at;
    if (auto* const place = find(path, at)) return *place;
    if (at.led_astray) {
      errno = at.rest.empty() ? ELOOP : ENOTDIR;
      sys::throw_errno("mkdir", path);
    }
    make_rest(at, rules);
    return keep(path, std::move(at.place));
  }

  /// Creates the missing directories of a path.
  template <class Rules>
  void make_rest(Resolved<Handle>& at, Rules& rules) {
    while (!at.rest.empty()) {
      auto const end = std::min(at.rest.find('/'), at.rest.size());
      auto const name = at.rest.substr(0, end);
      auto const path = join(at.place.path, name);
      bool covers = false;
      if (at.blocked) {
        auto const status = tree_.look(Tree::ref(at.place.directory), name, path);
        covers = status && rules.gives_way(*status);
        if (!covers) {
          errno = ENOTDIR;
          sys::throw_errno("mkdir", path);
        }
        remove(at.place, name, path, *status);
        at.blocked = false;
      }
      at.place.directory = make_implied(Tree::ref(at.place.directory), name, path, rules.gives_group_on());
      at.place.path = path;
      at.rest.erase(0, end + (end != at.rest.size() ? 1 : 0));
      rules.implied(at.place, covers);
    }
  }

  /// Calls `create`; if it fails with EEXIST, removes the existing name and tries again.
  template <class Create>
  void make(Place& place, std::string const& name, std::string_view path, char const* operation,
            Create create) {
    auto made = sys::retry(create);
    if (made < 0 && errno == EEXIST) {
      if (auto const old = tree_.look(Tree::ref(place.directory), name, path))
        remove(place, name, path, *old);
      made = sys::retry(create);
    }
    if (made < 0) sys::throw_errno(operation, path);
  }

  /// Removes a name.
  /// @throws `Errc::corrupt_archive`: contents of the archive would be lost; ENOTEMPTY with `Former::kept`
  void remove(Place& place, std::string const& name, std::string_view path, struct stat const& status) {
    if (options_.former == Former::kept && S_ISDIR(status.st_mode) && !is_empty(place, name, path)) {
      errno = ENOTEMPTY;
      sys::throw_errno("rmdir", path);
    }
    if (!options_.as_reference && needed_.contains(path)) refuse_removal(path);
    tree_.remove(Tree::ref(place.directory), name, status, path);
    if (S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode)) cache_.clear_but(&place);
  }

  /// Records that the archive has created a link.
  void note_link(std::string_view path) {
    if (options_.former == Former::kept) made_links_.insert(path);
  }
  /// @throws ENOTDIR, with `Former::kept`: the path leads through a link that is neither the archive's nor
  ///   the original's
  void check_links(Place const& place) const {
    if (options_.former != Former::kept) return;
    for (auto const& link : place.links) {
      if (made_links_.contains(link) || is_of_below(link)) continue;
      errno = ENOTDIR;
      sys::throw_errno("open", link);
    }
  }

  /// Records that contents are stored at a path, under a name that led to the directory `place`.
  /// @throws `Errc::corrupt_archive`: they have taken the place of something that the name leads through
  void need(Place const& place, std::string_view path) {
    note(path);
    for (auto const* const way : {&place.links, &place.left})
      for (auto const& step : *way) {
        if (!options_.as_reference && is_at_or_below(step, path)) refuse_removal(path);
        note(step);
      }
  }

 private:
  [[noreturn]] static void refuse_removal(std::string_view path) {
    throw Error(Errc::corrupt_archive, "an entry takes away \"" + std::string(path) +
                                           "\", which the archive could not be rebuilt without");
  }
  static bool is_at_or_below(std::string_view path, std::string_view top) noexcept {
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
  }
  bool is_empty(Place& place, std::string const& name, std::string_view path) {
    auto const inside = tree_.enter(Tree::ref(place.directory), name, path);
    return tree_.names(Tree::ref(inside), path).empty();
  }
  /// True for a link that the tree's original had as well. In a layer stored as changes, a path never leads
  /// through a link of the lower layers.
  bool is_of_below(std::string_view link) const {
    if (options_.whiteouts != Whiteouts::execute || !options_.below) return false;
    TreePath const at(link);
    auto const directory = tree_.open(at.parent);
    return options_.below->link_at(link) == tree_.read_link(Tree::ref(directory), std::string(at.base), link);
  }
  void note(std::string_view path) {
    while (!path.empty() && needed_.insert(path)) path = TreePath(path).parent;
  }

  /// Creates a directory that the archive uses without an entry for it, owned by the root of the id maps. In
  /// a setgid directory it inherits the group, as in containers/storage, except in layers of drivers that
  /// keep whiteouts.
  Handle make_implied(typename Tree::Ref directory, std::string const& name, std::string_view path,
                      bool gives_group_on) {
    if (tree_.make_directory(directory, name, 0755) != 0) sys::throw_errno("mkdir", path);
    auto made = tree_.open_directory(directory, name);
    typename Tree::Setter setter(Tree::ref(made), sys::OpenedAs::file, path);
    auto const status = setter.status();
    auto const root = idmap::root_of(options_.maps);
    bool const inherits = gives_group_on && (status.st_mode & S_ISGID) != 0;
    setter.owner({.uid = root.uid, .gid = inherits ? status.st_gid : root.gid}, ChownErrors::ignore);
    setter.mode(0755 | (status.st_mode & S_ISGID));
    return made;
  }

  Tree tree_;
  ApplyOptions const& options_;
  DirectoryCache<Handle> cache_ = {};
  NameSet needed_ = {};
  NameSet made_links_ = {};  ///< links created by this archive; with `Former::kept`
};

}  // namespace strata::archive
