#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/xattr.hpp>

#include "home.hpp"
#include "process.hpp"
#include "world.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace random_commands {

/// Of what `Stores` does after commands of theirs.
struct PutRight {
  char const* name;
  char const* reason;
};
inline constexpr PutRight all_owners{
    "owners",
    "all files of a vfs layer with maps belong to the container; theirs forgets some that it had from its "
    "origin, and directories that its archive has no entries for, so they are given away for it"};
inline constexpr PutRight home_owner{"home",
                                     "the directory that all vfs layers are in belongs to the host's root; "
                                     "theirs gives it to the root of each new layer's maps"};
inline constexpr PutRight kept_links{
    "links",
    "a copy of a vfs layer has the hard links of the layer; theirs keeps those of regular files only"};
inline constexpr PutRight mapped_roots{
    "roots",
    "what a container with maps writes to belongs to the root of the maps once it was mounted, and a layer's "
    "root to whom its parent's belongs; 1.43 leaves them to the host's"};
inline constexpr PutRight opaque_again{
    "opaque",
    "a directory that an archive brings where the layer had a whiteout, with an entry of its own or without, "
    "hides what is below, as that did; theirs lets it through, or fails"};
inline constexpr PutRight vain_whiteouts{
    "whiteouts",
    "a whiteout is made where a layer below has something that it hides; theirs makes others, too, which the "
    "kernel may list as files that nobody can open"};

/// A copy of a layer's tree, in its place again when asked for.
class KeptTree {
 public:
  KeptTree(strata::fs::path tree, strata::fs::path staging)
      : tree_(std::move(tree)), aside_(std::move(staging)) {
    copy(tree_, aside_);
  }
  KeptTree(KeptTree const&) = delete;
  KeptTree& operator=(KeptTree const&) = delete;
  ~KeptTree() { strata::sys::remove_tree(aside_); }

  void put_back() {
    strata::sys::remove_tree(tree_);
    strata::fs::rename(aside_, tree_);
  }
  /// The same, and the copy stays.
  void put_back_once_more() {
    strata::sys::remove_tree(tree_);
    copy(aside_, tree_);
  }

 private:
  static void copy(strata::fs::path const& from, strata::fs::path const& to) {
    Process({"cp", "-a", from.native(), to.native()}, "/", "/dev/null").end();
  }

  strata::fs::path tree_, aside_;
};

/// What the tree of a layer was copied from, if from any.
inline Record const* origin(Home const& home, Record const& layer) {
  for (auto const& image : home.world.images)
    if (std::ranges::find(image.mapped, layer.id) != image.mapped.end())
      return home.world.layer(image.parent);
  return home.world.layer(layer.parent);
}

/// Links what is linked in the origin of a new layer, and is as it was copied (see `kept_links`).
/// @return  whether there was any
inline bool give_links(Home const& home, std::set<std::string> const& fresh) {
  bool found = false;
  for (auto const& layer : home.world.layers) {
    auto const* from = fresh.contains(layer.id) ? origin(home, layer) : nullptr;
    if (!from) continue;
    auto const tree = home.layer_tree(layer.id), old = home.layer_tree(from->id);
    std::set<strata::fs::path> paths;
    for (auto const& entry : strata::fs::recursive_directory_iterator(old))
      if (auto const type = entry.symlink_status().type();
          type != strata::fs::directory_file && type != strata::fs::regular_file)
        paths.insert(entry.path().lexically_relative(old));
    std::map<ino_t, strata::fs::path> firsts;
    for (auto const& path : paths) {
      struct stat was {
      }, is{}, other{};
      if (::lstat((old / path).c_str(), &was) != 0 || was.st_nlink < 2) continue;
      auto const copied = [&](struct stat const& now) {
        return now.st_mode == was.st_mode && now.st_rdev == was.st_rdev &&
               now.st_mtim.tv_sec == was.st_mtim.tv_sec && now.st_mtim.tv_nsec == was.st_mtim.tv_nsec;
      };
      if (::lstat((tree / path).c_str(), &is) != 0 || !copied(is)) continue;
      auto const& first = firsts.emplace(was.st_ino, path).first->second;
      if (::lstat((tree / first).c_str(), &other) != 0 || !copied(other) || other.st_ino == is.st_ino)
        continue;
      found = true;
      struct stat directory {};
      auto const above = (tree / path).parent_path();
      if (::lstat(above.c_str(), &directory) != 0 || ::unlink((tree / path).c_str()) != 0 ||
          ::linkat(AT_FDCWD, (tree / first).c_str(), AT_FDCWD, (tree / path).c_str(), 0) != 0)
        fail("link " + (tree / path).native());
      timespec const times[] = {directory.st_atim, directory.st_mtim};
      ::utimensat(AT_FDCWD, above.c_str(), times, 0);
    }
  }
  return found;
}

/// The tree of a layer that a command puts files into, before that.
class TreeBefore {
 public:
  TreeBefore(std::string layer, strata::fs::path const& tree) : layer_(std::move(layer)) {
    for (auto const& entry : strata::fs::recursive_directory_iterator(tree)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) == 0) files_.emplace(entry.path(), status);
    }
  }
  std::string const& layer() const { return layer_; }
  /// Is that what the layer had? A number may be given to another file, but a directory stays.
  bool had(strata::fs::path const& path, struct stat const& status) const {
    auto const found = files_.find(path);
    return found != files_.end() && found->second.st_ino == status.st_ino &&
           (S_ISDIR(status.st_mode) || (found->second.st_ctim.tv_sec == status.st_ctim.tv_sec &&
                                        found->second.st_ctim.tv_nsec == status.st_ctim.tv_nsec));
  }

 private:
  std::string layer_;
  std::map<strata::fs::path, struct stat> files_ = {};
};

/// Gives the files of new layers with maps the owners that theirs forgets to (see `all_owners`).
/// @param changed  a layer that got more files, if any; only those count
/// @return         whether it did forget any
inline bool give_owners(Home const& home, std::set<std::string> const& fresh, TreeBefore const* changed) {
  using namespace strata::idmap;
  bool found = false;
  for (auto const& layer : home.world.layers) {
    bool const is_fresh = fresh.contains(layer.id);
    if (!is_fresh && !(changed && layer.id == changed->layer())) continue;
    auto const* from = is_fresh ? origin(home, layer) : nullptr;
    while (from && fresh.contains(from->id) && from->maps == layer.maps) from = origin(home, *from);
    if (layer.maps.empty() && (!from || from->maps.empty())) continue;
    auto const old_maps = from ? from->maps : strata::IdMaps();
    auto const other = [](strata::IdMap const& old_map, strata::IdMap const& new_map, std::int64_t id,
                          std::int64_t before, bool had, bool copied) {
      constexpr std::int64_t none = 65534;
      auto const inside = [&](std::int64_t of) {
        return old_map.empty() ? of : to_container(old_map, of).value_or(of);
      };
      if (old_map == new_map && (old_map.empty() || (had && id == before))) return id;
      if (copied && id == before && !new_map.empty())  // the number may be one of both maps
        if (auto const moved = to_host(new_map, inside(before))) return *moved;
      if (!new_map.empty() && to_container(new_map, id)) return id;
      if (new_map.empty()) return inside(id);
      if (id == none && !to_host(new_map, inside(before))) return id;  // not forgotten, but not in the maps
      return to_host(new_map, inside(id)).value_or(none);
    };
    auto const tree = home.layer_tree(layer.id);
    for (auto const& entry : strata::fs::recursive_directory_iterator(tree)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) != 0) continue;
      if (!is_fresh && changed->had(entry.path(), status)) continue;
      auto before = status;
      bool const had =
          from &&
          ::lstat((home.layer_tree(from->id) / entry.path().lexically_relative(tree)).c_str(), &before) == 0;
      bool const copied = had && status.st_mode == before.st_mode &&
                          (S_ISDIR(status.st_mode) || (status.st_size == before.st_size &&
                                                       status.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                                                       status.st_mtim.tv_nsec == before.st_mtim.tv_nsec));
      auto const uid = static_cast<uid_t>(
          other(old_maps.uids, layer.maps.uids, status.st_uid, before.st_uid, had, copied));
      auto const gid = static_cast<gid_t>(
          other(old_maps.gids, layer.maps.gids, status.st_gid, before.st_gid, had, copied));
      if (uid == status.st_uid && gid == status.st_gid) continue;
      found = true;
      auto const capability = strata::sys::get_xattr(entry.path(), "security.capability");
      if (::lchown(entry.path().c_str(), uid, gid) != 0) fail("chown " + entry.path().native());
      if (S_ISLNK(status.st_mode)) continue;
      if (::chmod(entry.path().c_str(), status.st_mode & 07777U) != 0) fail("chmod " + entry.path().native());
      if (capability)
        ::lsetxattr(entry.path().c_str(), "security.capability", capability->data(), capability->size(), 0);
    }
  }
  return found;
}

/// Gives the directory of all vfs layers back to the host's root (see `home_owner`).
/// @return  whether it belonged to another
inline bool give_home(Home const& home) {
  auto const directory = home.graph() / "vfs" / "dir";
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0 || (status.st_uid == 0 && status.st_gid == 0)) return false;
  if (::chown(directory.c_str(), 0, 0) != 0) fail("chown " + directory.native());
  return true;
}

/// Gives the roots of layers on overlay the owners that 1.43 does not (see `mapped_roots`).
/// @param like  the store in which they have them
/// @return      whether any belonged to the host's
inline bool give_roots(Home const& home, Home const& like) {
  using Owner = std::pair<uid_t, gid_t>;
  auto const owner = [](strata::fs::path const& tree) {
    struct stat status {};
    return ::lstat(tree.c_str(), &status) == 0 ? Owner(status.st_uid, status.st_gid) : Owner();
  };
  auto const mapped = [&](std::string const& layer) {
    auto const& containers = like.world.containers;
    auto const found = std::ranges::find(containers, layer, &Record::parent);
    auto const root = [](strata::IdMap const& map) {
      return static_cast<uid_t>(map.empty() ? 0 : strata::idmap::to_host(map, 0).value_or(0));
    };
    return found == containers.end() ? Owner() : Owner(root(found->maps.uids), root(found->maps.gids));
  };
  bool found = false;
  auto const& layers = like.world.layers;  // in the same order
  for (std::size_t i = 0; i < std::min(layers.size(), home.world.layers.size()); ++i) {
    auto const wanted = owner(like.layer_tree(layers[i].id));
    auto const tree = home.layer_tree(home.world.layers[i].id);
    if (wanted == Owner() || owner(tree) != Owner()) continue;
    if (wanted != mapped(layers[i].id) && wanted != owner(like.layer_tree(layers[i].parent))) continue;
    if (::chown(tree.c_str(), wanted.first, wanted.second) != 0) fail("chown " + tree.native());
    found = true;
  }
  return found;
}

inline bool is_whiteout(struct stat const& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

/// What the layers show together, from `layer` down, where a path is: is there anything?
inline bool shows(Home const& home, Record const* layer, strata::fs::path const& path) {
  for (; layer; layer = home.world.layer(layer->parent)) {
    auto at = home.layer_tree(layer->id);
    struct stat status {};
    bool hidden = false;
    for (auto part = path.begin(); part != path.end(); ++part) {
      at /= *part;
      if (::lstat(at.c_str(), &status) != 0) break;
      if (is_whiteout(status)) return false;
      if (std::next(part) == path.end()) return true;
      if (!S_ISDIR(status.st_mode)) return false;
      hidden = hidden || strata::sys::get_xattr(at, "trusted.overlay.opaque") == "y";
    }
    if (hidden) return false;
  }
  return false;
}

/// Removes the whiteouts of a layer that hide nothing (see `vain_whiteouts`).
/// @return  whether there were any
inline bool drop_vain_whiteouts(Home const& home, Record const& layer) {
  auto const tree = home.layer_tree(layer.id);
  std::vector<strata::fs::path> found;
  for (auto const& entry : strata::fs::recursive_directory_iterator(tree)) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) == 0 && is_whiteout(status) &&
        !shows(home, home.world.layer(layer.parent), entry.path().lexically_relative(tree)))
      found.push_back(entry.path());
  }
  for (auto const& path : found) {
    struct stat directory {};
    if (::lstat(path.parent_path().c_str(), &directory) != 0 || ::unlink(path.c_str()) != 0)
      fail("unlink " + path.native());
    timespec const times[] = {directory.st_atim, directory.st_mtim};
    ::utimensat(AT_FDCWD, path.parent_path().c_str(), times, 0);
  }
  return !found.empty();
}

/// The whiteouts of a layer on overlay, before a command that may put directories in their places.
class Whiteouts {
 public:
  explicit Whiteouts(strata::fs::path const& tree) : tree_(tree) {
    for (auto const& entry : strata::fs::recursive_directory_iterator(tree)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) == 0 && is_whiteout(status)) paths_.push_back(entry.path());
    }
  }
  /// Has the directories hide what the whiteouts hid (see `opaque_again`).
  /// @return  whether there were any that did not
  bool hide_again() const {
    bool found = false;
    for (auto const& path : paths_) {
      if (!strata::fs::is_directory(strata::fs::symlink_status(path)) ||
          strata::sys::get_xattr(path, "trusted.overlay.opaque"))
        continue;
      if (::lsetxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0)
        fail("opaque " + path.native());
      found = true;
    }
    return found;
  }

  /// Makes a directory of the whiteout that a failed command of theirs ran into, for another try at the tree as it was.
  /// @return  whether there was one
  bool make_way(Output const& theirs, KeptTree& kept) {
    if (theirs.status == 0 || theirs.err.find(": not a directory)") == theirs.err.npos) return false;
    for (auto const& path : paths_) {
      auto const inside = '/' + path.lexically_relative(tree_).native();
      auto const is_met = std::ranges::any_of(
          std::array{"(mkdir ", "(open ", "(mknod ", "(symlink "},
          [&](char const* call) { return theirs.err.find(call + inside + '/') != theirs.err.npos; });
      if (!is_met || strata::fs::is_directory(path)) continue;
      kept.put_back_once_more();
      ways_.push_back(path);
      for (auto const& way : ways_) {
        strata::fs::remove(way);
        if (::mkdir(way.c_str(), 0755) != 0) fail("mkdir " + way.native());
      }
      hide_again();
      return true;
    }
    return false;
  }

 private:
  strata::fs::path tree_;
  std::vector<strata::fs::path> paths_ = {};
  std::vector<strata::fs::path> ways_ = {};  ///< of `paths_`, that are directories now
};

/// The directories that a copy goes into: the one of its name and the one above. Theirs makes and removes a directory of
/// its own in what it unpacks into, which changes the time and has overlayfs take it from the layer below.
class CopiedInto {
 public:
  /// @param path  of the copy, from the top of the layer
  CopiedInto(Home const& home, Record const& layer, strata::fs::path const& path) {
    auto const inside = path.lexically_normal().relative_path();
    auto const mounted = home.world.mounts.find(layer.id);
    for (auto const& directory : {inside, inside.parent_path()}) {
      auto const own = home.layer_tree(layer.id) / directory;
      bool known = false;
      for (auto const* at = &layer; at && !known; at = home.world.layer(at->parent))
        known = is_directory(home.layer_tree(at->id) / directory);
      if (!known) continue;
      if (mounted != home.world.mounts.end())
        shown_.push_back(strata::fs::path(mounted->second) / directory);
      else
        (is_directory(own) ? own_ : fresh_).push_back(own);
    }
  }

  /// The time of what was there is none that is compared; what the copy did not fill is not there.
  void level() const {
    for (auto const* paths : {&own_, &shown_, &fresh_})
      for (auto const& path : *paths) {
        if (!is_directory(path) || (paths == &fresh_ && ::rmdir(path.c_str()) == 0)) continue;
        timespec const times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
        if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0 && errno != EROFS)
          fail("utimensat " + path.native());
      }
  }

 private:
  static bool is_directory(strata::fs::path const& path) {
    return strata::fs::is_directory(strata::fs::symlink_status(path));
  }

  std::vector<strata::fs::path> own_ = {}, shown_ = {}, fresh_ = {};
};

}  // namespace random_commands
