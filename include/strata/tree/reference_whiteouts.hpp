#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/tree/places.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_path.hpp>
#include <strata/tree/whiteouts.hpp>

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace strata::archive {

/// Executes whiteouts exactly as containers/storage 1.43: a whiteout removes what it names, even if the
/// archive itself created it; an opaque marker removes what no earlier entry names, by the path that leads to
/// the marker, and nothing if that path is a link.
template <class Tree>
class ReferenceWhiteouts final : public WhiteoutRules<Tree> {
  using Place = archive::Place<typename Tree::Handle>;

 public:
  explicit ReferenceWhiteouts(Places<Tree>& places) : places_(places) {}

  bool applies_root() const override { return true; }
  bool gives_group_on() const override { return true; }

  void add(TreePath const& at, TarHeader const&) override {
    auto& tree = places_.tree();
    Resolved<typename Tree::Handle> resolved;
    auto* const found = places_.find(at.parent, resolved);
    if (found == nullptr) {
      if constexpr (requires { tree.may_have(at.parent); })
        tree.may_have(join(resolved.place.path, resolved.rest));
      return;
    }
    // Opened anew: removals invalidate the cached places.
    Place here{.directory = tree.open(found->path), .path = found->path};
    if (at.base != whiteout_opaque) {
      std::string const target(whiteout_target(at.base));
      auto const path = join(here.path, target);
      if (auto const status = tree.look(Tree::ref(here.directory), target, path))
        places_.remove(here, target, path, *status);
    } else if (!is_link(at.parent)) {
      remove_unnamed(here, std::string(at.parent));
    }
  }

  void placed(std::string_view, bool, std::string_view name) override { named_.emplace(name); }

 private:
  bool is_link(std::string_view path) {
    auto& tree = places_.tree();
    TreePath const at(path);
    if (at.base.empty()) return false;
    auto const above = resolve(tree, at.parent);
    if (!above.found()) return false;
    auto const status = tree.look(Tree::ref(above.place.directory), std::string(at.base), path);
    return status && S_ISLNK(status->st_mode);
  }

  /// @param name path by which the place was reached
  void remove_unnamed(Place& place, std::string const& name) {
    auto& tree = places_.tree();
    for (auto const& base : tree.names(Tree::ref(place.directory), place.path)) {
      auto const path = join(place.path, base);
      auto const status = tree.look(Tree::ref(place.directory), base, path);
      if (!status) continue;
      auto const by_name = join(name, base);
      if (!named_.contains(by_name)) {
        places_.remove(place, base, path, *status);
      } else if (S_ISDIR(status->st_mode)) {
        Place below{.directory = tree.enter(Tree::ref(place.directory), base, path), .path = path};
        remove_unnamed(below, by_name);
      }
    }
  }

  Places<Tree>& places_;
  std::set<std::string, std::less<>> named_ = {};  ///< names of entries that are not whiteouts
};

}  // namespace strata::archive
