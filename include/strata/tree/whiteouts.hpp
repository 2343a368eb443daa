#pragma once

#include <strata/archive/name_set.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/places.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vector>

/// How each kind of tree applies an archive's ".wh." entries. They hide what the parent has, never what the
/// archive itself adds, before or after them; on their own they never create a visible directory.
namespace strata::archive {

/// The rules of one kind of tree, called by `BasicApplier` for each entry.
template <class Tree>
class WhiteoutRules {
 public:
  using Place = archive::Place<typename Tree::Handle>;
  virtual ~WhiteoutRules() = default;

  /// True if an entry of that name is a whiteout rather than a file.
  virtual bool is_sign(std::string_view base) const { return is_whiteout(base); }
  /// True if an entry for the root sets the root's attributes.
  virtual bool applies_root() const { return false; }
  /// True if implied directories inherit the group of a setgid parent.
  virtual bool gives_group_on() const { return false; }
  /// Applies a whiteout or opaque marker.
  virtual void add(TreePath const& at, TarHeader const& header) = 0;
  /// True if a directory may replace it although no whiteout removes it.
  virtual bool gives_way(struct stat const&) const { return false; }
  /// Called for a directory created without an entry of its own.
  /// @param covers it replaced something for which `gives_way` is true
  virtual void implied(Place&, bool covers) { static_cast<void>(covers); }
  /// Called for each path that the archive adds.
  /// @param made false for a directory that already existed
  /// @param name the path in the archive; differs from `path` if links lead elsewhere
  virtual void placed(std::string_view path, bool made, std::string_view name) = 0;
  /// True if a hard link must treat it as missing.
  virtual bool is_hidden(struct stat const&) const { return false; }

 protected:
  WhiteoutRules() = default;
  WhiteoutRules(WhiteoutRules const&) = default;
  WhiteoutRules& operator=(WhiteoutRules const&) = default;
};

/// For `Whiteouts::keep`.
template <class Tree>
class KeptWhiteouts final : public WhiteoutRules<Tree> {
 public:
  bool is_sign(std::string_view) const override { return false; }
  void add(TreePath const&, TarHeader const&) override {}
  void placed(std::string_view, bool, std::string_view) override {}
};

/// For `Whiteouts::execute` with a `Former` other than `gives_way`: whiteouts remove nothing.
template <class Tree>
class PassedWhiteouts final : public WhiteoutRules<Tree> {
 public:
  bool applies_root() const override { return true; }
  bool gives_group_on() const override { return true; }
  void add(TreePath const&, TarHeader const&) override {}
  void placed(std::string_view, bool, std::string_view) override {}
};

/// For `Whiteouts::execute`.
template <class Tree>
class ExecutedWhiteouts final : public WhiteoutRules<Tree> {
  using Place = archive::Place<typename Tree::Handle>;

 public:
  explicit ExecutedWhiteouts(Places<Tree>& places) : places_(places) {}

  bool applies_root() const override { return true; }
  bool gives_group_on() const override { return true; }

  void add(TreePath const& at, TarHeader const&) override {
    Resolved<typename Tree::Handle> resolved;
    auto* const place = places_.find(at.parent, resolved);
    bool const opaque = at.base == whiteout_opaque;
    std::string const target(opaque ? std::string_view() : whiteout_target(at.base));
    if (place == nullptr) {
      if constexpr (requires { places_.tree().may_have(at.parent); })
        places_.tree().may_have(join(resolved.place.path, resolved.rest));
      return;
    }
    // Opened anew: removals invalidate the cached places.
    Place here{.directory = places_.tree().open(place->path), .path = place->path};
    opaque ? remove_old_below(here) : remove_old(here, target);
  }

  void placed(std::string_view path, bool, std::string_view) override {
    while (!path.empty() && used_.insert(path)) path = TreePath(path).parent;
  }

 private:
  /// Removes what is not of this archive: `name` as a whole or, if the archive added to it, the rest.
  void remove_old(Place& place, std::string const& name) {
    auto const path = join(place.path, name);
    auto& tree = places_.tree();
    auto const status = tree.look(Tree::ref(place.directory), name, path);
    if (!status) return;
    if (!used_.contains(path)) return places_.remove(place, name, path, *status);
    if (!S_ISDIR(status->st_mode)) return;
    Place below{.directory = tree.enter(Tree::ref(place.directory), name, path), .path = path};
    remove_old_below(below);
  }
  void remove_old_below(Place& place) {
    for (auto const& name : places_.tree().names(Tree::ref(place.directory), place.path))
      remove_old(place, name);
  }

  Places<Tree>& places_;
  NameSet used_ = {};  ///< paths that the archive added, and their parents
};

/// For `Whiteouts::overlay`: writes whiteouts only where there is something to hide. In a directory that the
/// lower layers do not have, overlayfs would list the whiteout's device although looking it up fails.
template <class Tree>
class OverlayWhiteouts final : public WhiteoutRules<Tree> {
  using Place = archive::Place<typename Tree::Handle>;

 public:
  OverlayWhiteouts(Places<Tree>& places, ApplyOptions const& options)
      : places_(places),
        options_(options),
        over_former_(has_contents()),
        tells_apart_(over_former_ && options.former == Former::gives_way) {}

  void add(TreePath const& at, TarHeader const& header) override {
    Resolved<typename Tree::Handle> resolved;
    auto* place = places_.find(at.parent, resolved);
    bool const opaque = at.base == whiteout_opaque;
    std::string const target(opaque ? std::string_view() : whiteout_target(at.base));
    if (place == nullptr) {
      // Tools that delete /a after /a/b write both ".wh.a" and "a/.wh.b", which leaves no directory. A link
      // of the layer itself may lead into a lower layer.
      if (resolved.blocked || (resolved.led_astray && !is_plain(resolved.rest))) return;
      auto const directory = join(resolved.place.path, resolved.rest);
      if (opaque ? below(directory) != Below::directory : below(join(directory, target)) == Below::nothing) {
        if constexpr (requires { places_.tree().may_have(at.parent); }) places_.tree().may_have(directory);
        return;
      }
      for (std::string_view path = directory; path != resolved.place.path; path = TreePath(path).parent)
        carriers_.emplace(path);
      making_carriers_ = true;
      places_.make_rest(resolved, *this);
      making_carriers_ = false;
      place = &places_.keep(at.parent, std::move(resolved.place));
    }
    if (!opaque)
      hide(*place, target, header);
    else if (place->path.empty() && options_.as_reference)
      return;
    else if (place->path.empty() && options_.below)
      // The kernel merges the roots of all layers, whatever their opaque attributes.
      for (auto const& name : options_.below->root_names()) hide(*place, name, header);
    else
      mark_opaque(*place);
  }

  bool gives_way(struct stat const& status) const override {
    return !options_.as_reference && is_overlay_whiteout(status);
  }
  bool is_hidden(struct stat const& status) const override { return is_overlay_whiteout(status); }
  void implied(Place& place, bool covers) override {
    if (covers) mark_opaque(place);
    if (!making_carriers_ && tells_apart_) made_.insert(place.path);
  }
  void placed(std::string_view path, bool made, std::string_view) override {
    if (made && tells_apart_) made_.insert(path);
    for (; !carriers_.empty() && !path.empty(); path = TreePath(path).parent)
      if (auto const found = carriers_.find(path); found != carriers_.end()) {
        carriers_.erase(found);
        if (tells_apart_) made_.insert(path);
      }
  }

  /// Makes a directory of the archive opaque, for example one that replaces a whiteout.
  void mark_opaque(Place& place) {
    places_.tree().mark_opaque(Tree::ref(place.directory), options_.user_xattr, place.path);
    opaque_.insert(place.path);
    // The whiteouts below it would become visible.
    auto const prefix = place.path + '/';
    auto const is_below = [&](auto const& path) { return path.starts_with(prefix); };
    for (auto const& path : whiteouts_)
      if (is_below(path)) drop(path, [](auto const& status) { return is_overlay_whiteout(status); });
    std::erase_if(whiteouts_, is_below);
    for (auto const& path : carriers_)  // outer ones first
      if (is_below(path)) drop(path, [](auto const& status) { return S_ISDIR(status.st_mode); });
    std::erase_if(carriers_, is_below);
    if (tells_apart_) drop_former_whiteouts(place);
  }

 private:
  /// True if the missing rest of a link's target is non-empty and has no "." or "..".
  static bool is_plain(std::string_view path) { return !path.empty() && path == path_in_tree(path); }
  bool has_contents() {
    auto const root = places_.tree().open_root();
    return !places_.tree().names(Tree::ref(root), "").empty();
  }

  /// What the lower layers show at a path, given what this tree hides. A directory if unknown.
  Below below(std::string_view path) const {
    if (!options_.below) return Below::directory;
    if (over_former_ || !opaque_.empty())
      for (auto up = TreePath(path).parent; !up.empty(); up = TreePath(up).parent)
        if (opaque_.contains(up) || (over_former_ && is_opaque(up))) return Below::nothing;
    return options_.below->at(path);
  }

  bool is_opaque(std::string_view path) const {
    auto const directory = places_.tree().try_open(path, O_RDONLY);
    if (directory) return Tree::is_opaque(Tree::ref(directory), options_.user_xattr, path);
    if (!sys::is_absent(errno)) sys::throw_errno("open", path);
    return false;
  }

  void hide(Place& place, std::string const& target, TarHeader const& header) {
    auto& tree = places_.tree();
    auto const path = join(place.path, target);
    if (auto const old = tree.look(Tree::ref(place.directory), target, path)) {
      if (is_overlay_whiteout(*old)) return;
      bool const is_carrier = carriers_.contains(path);
      bool const is_earlier = !is_carrier && tells_apart_ && !made_.contains(path);
      if (is_earlier && !options_.again) {
        errno = EEXIST;
        sys::throw_errno("mknod", path);
      }
      if (!is_carrier && !is_earlier) {
        // The archive's own entry stays, but a directory must not show the parent's files.
        if (!S_ISDIR(old->st_mode) || below(path) == Below::nothing) return;
        Place inside{.directory = tree.open_directory(Tree::ref(place.directory), target), .path = path};
        return mark_opaque(inside);
      }
      places_.remove(place, target, path, *old);
      std::erase_if(carriers_,
                    [&](auto const& carrier) { return carrier == path || carrier.starts_with(path + '/'); });
    }
    if (below(path) == Below::nothing) return;
    if (tree.make_node(Tree::ref(place.directory), target, S_IFCHR, makedev(0, 0)) != 0)
      sys::throw_errno("mknod", path);
    whiteouts_.push_back(path);
    if (tells_apart_) made_.insert(path);
    auto const node = tree.open_node(Tree::ref(place.directory), target);
    typename Tree::Setter(Tree::ref(node), sys::OpenedAs::path_only, path)
        .owner(header, options_.ignore_chown_errors ? ChownErrors::ignore : ChownErrors::fail);
  }

  void drop_former_whiteouts(Place& place) {
    auto& tree = places_.tree();
    for (auto const& name : tree.names(Tree::ref(place.directory), place.path)) {
      auto const path = join(place.path, name);
      auto const status = tree.look(Tree::ref(place.directory), name, path);
      if (!status) continue;
      if (is_overlay_whiteout(*status)) places_.remove(place, name, path, *status);
      if (!S_ISDIR(status->st_mode)) continue;
      Place inside{.directory = tree.enter(Tree::ref(place.directory), name, path), .path = path};
      drop_former_whiteouts(inside);
    }
  }

  template <class Is>
  void drop(std::string_view path, Is&& is) {
    TreePath const at(path);
    auto& tree = places_.tree();
    Place place{.directory = tree.try_open(at.parent), .path = std::string(at.parent)};
    if (!place.directory) {
      if (sys::is_absent(errno)) return;
      sys::throw_errno("open", at.parent);
    }
    std::string const name(at.base);
    auto const status = tree.look(Tree::ref(place.directory), name, path);
    if (status && is(*status)) places_.remove(place, name, path, *status);
  }

  Places<Tree>& places_;
  ApplyOptions const& options_;
  bool over_former_;  ///< the tree was not empty
  bool tells_apart_;  ///< distinguish this archive's paths from older ones
  bool making_carriers_ = false;
  NameSet made_ = {};  ///< paths that this archive created
  std::set<std::string, std::less<>> carriers_ =
      {};  ///< directories that exist only for the whiteouts in them
  std::set<std::string, std::less<>> opaque_ = {};
  std::vector<std::string> whiteouts_ = {};
};

}  // namespace strata::archive
