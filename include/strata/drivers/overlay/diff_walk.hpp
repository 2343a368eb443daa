#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// True if a directory is opaque: it hides everything of the same path below it.
/// @param path   symbolic links are not followed
/// @param names  of the attributes that the kernel uses; others are plain attributes of the user
bool is_opaque(fs::path const& path, archive::OverlayXattr names);

/// An entry of a layer's own tree, and what it replaces.
struct DiffEntry {
  std::string path = {};  ///< relative to the tree
  int directory = -1;     ///< descriptor of the directory that contains it; valid during the visit
  std::string name = {};  ///< its name there
  struct stat status = {};
  bool opaque = false;                    ///< a directory that hides what is below it
  std::optional<struct stat> below = {};  ///< what the layers below have at that path

  bool is_whiteout() const noexcept { return archive::is_overlay_whiteout(status); }
  bool is_directory() const noexcept { return S_ISDIR(status.st_mode); }
};

/// Visits a layer's own tree, directories before their entries, the names of each directory in byte order.
///
/// For each entry it looks up what the layers below have at that path, by overlayfs's rules: the nearest
/// layer has precedence; a whiteout, a non-directory or an opaque directory hides those further below.
/// Whiteouts and marks of the layer itself are passed to the visitor.
class DiffWalk {
 public:
  /// @param tree    the layer's `diff`
  /// @param lowers  the trees below it, nearest first
  DiffWalk(fs::path tree, std::vector<fs::path> lowers)
      : lowers_(std::move(lowers)), descent_(std::move(tree)) {}

  /// Calls `visit(DiffEntry const&)` for everything but the root.
  /// @throws `Errc::unsupported` for a directory whose entries are elsewhere (`redirect_dir`); `errno`
  template <class Visit>
  void run(Visit&& visit) {
    std::vector<std::size_t> all(lowers_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    enter(sys::open_at(AT_FDCWD, descent_.path(), O_RDONLY | O_DIRECTORY), {}, std::move(all));
    while (!descent_.empty()) {
      auto& level = descent_.here().extra;
      if (level.next == level.names.size()) {
        descent_.leave();
        continue;
      }
      step(level, visit);
    }
  }

 private:
  struct Level {
    std::vector<std::string> names = {};
    std::size_t next = 0;
    std::vector<std::size_t> visible = {};  // indices of the lowers whose directory at this path is visible
  };

  void enter(sys::Fd fd, std::string name, std::vector<std::size_t> visible);

  template <class Visit>
  void step(Level& level, Visit& visit) {
    DiffEntry entry;
    entry.name = level.names[level.next++];
    entry.directory = descent_.fd();
    entry.path = descent_.relative(entry.name);
    if (::fstatat(entry.directory, entry.name.c_str(), &entry.status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return;  // removed since the directory was read: the layer is in use
      sys::throw_errno("stat", descent_.path(entry.name));
    }
    auto visible = look_below(level, entry);
    sys::Fd below;
    if (entry.is_directory()) {
      below = sys::try_enter(entry.directory, entry.name.c_str());
      if (!below) {
        if (errno == ENOENT || errno == ENOTDIR) return;  // removed or replaced since its status was read
        sys::throw_errno("open", descent_.path(entry.name));
      }
      entry.opaque = is_opaque("/proc/self/fd/" + std::to_string(below.get()) + "/.", marks_);
      if (sys::get_xattr(below.get(), marks_.redirect(), entry.path)) archive::refuse_redirected(entry.path);
    }
    std::string name = entry.name;
    visit(std::as_const(entry));
    if (below) enter(std::move(below), std::move(name), std::move(visible));
  }

  /// Sets `entry.below`.  @return the lowers whose directory there is visible
  std::vector<std::size_t> look_below(Level const& level, DiffEntry& entry) const;

  archive::OverlayXattr marks_ = archive::OverlayXattr::here();
  std::vector<fs::path> lowers_;
  sys::Descent<Level> descent_;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/diff_walk.ipp>
#endif
