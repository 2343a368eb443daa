#pragma once

#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata::sys {

/// One end of a copy: a path, possibly inside a tree.
struct Place {
  /// The tree. ".." and symbolic links in it are resolved as if it were "/". If empty, `path` is a path of
  /// the host.
  fs::path root = {};
  fs::path path = {};

  /// The path as seen from the host, for messages.
  fs::path shown() const {
    auto const below = inside().relative_path();
    return root.empty() ? path : below.empty() ? root : root / below;
  }
  /// `path` without "." and "..", which have no meaning at the top of a tree.
  fs::path inside() const {
    if (root.empty()) return path;
    return clean("/" + path.native());
  }
};

/// Options of `copy_path`.
struct CopyPathOptions {
  Flush flush = Flush::none;  ///< `full`: everything is on stable storage on return
  Control control = {};
  std::function<FileOwner(FileOwner)> owner = {};  ///< maps owners; empty: unchanged
  FileOwner new_directories = {};  ///< owner of a copied directory that is created, and of its parents
  FileOwner new_parents = {};      ///< owner of parents created for a file (mode 0700)
};

namespace detail {

/// A place whose tree is open.
class OpenPlace {
 public:
  explicit OpenPlace(Place place) : place_(std::move(place)) {
    if (!place_.root.empty()) root_ = open_at(AT_FDCWD, place_.root, O_PATH | O_DIRECTORY);
  }

  /// Opens a path, following links; on failure returns an empty `Fd` and sets `errno`.
  Fd try_open(fs::path const& path, int flags) const {
    if (!root_) return try_open_at(AT_FDCWD, path.empty() ? "." : path.c_str(), flags);
    auto const below = path.relative_path();
    return try_open_in_root(root_.get(), below.empty() ? "." : below.c_str(), flags);
  }

  /// Opens the directory at `path`, creating it and its missing parents.
  /// @param made called with each new directory and its parent
  template <class Made>
  Fd make_directories(fs::path const& path, mode_t mode, Made&& made) const {
    if (Fd known = try_open(path, O_RDONLY | O_DIRECTORY)) return known;
    bool const file_above = errno == ENOTDIR && !try_open(path, O_PATH) && errno == ENOTDIR;
    if (!file_above && (errno != ENOENT || !path.has_relative_path())) throw_errno("mkdir", name(path));
    Fd const above = make_directories(path.parent_path(), mode, made);
    std::string const base = base_name(path);
    // With the final mode at once, as a later step may fail.
    if (::mkdirat(above.get(), base.c_str(), mode) != 0) throw_errno("mkdir", name(path));
    try {
      Fd fresh = open_at(above.get(), base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      struct stat status {};  // a setgid parent passes setgid on
      if (::fstat(fresh.get(), &status) != 0) throw_errno("stat", name(path));
      made(fresh.get(), above.get(), mode | (status.st_mode & S_ISGID));
      return fresh;
    } catch (...) {  // else the next attempt would keep it as it is, without attributes
      ::unlinkat(above.get(), base.c_str(), AT_REMOVEDIR);
      throw;
    }
  }

  Place const& place() const noexcept { return place_; }

 private:
  fs::path name(fs::path const& path) const { return Place{place_.root, path}.shown(); }

  Place place_;
  Fd root_;
};

/// One call of `copy_path`.
class PathCopy {
 public:
  PathCopy(Place const& from, Place const& to, CopyPathOptions const& options)
      : from_(from),
        to_(to),
        options_(options),
        how_(how(options)),
        target_(to),
        node_(OpenPlace(from).try_open(from.inside(), O_PATH)) {
    if (!node_ || ::fstat(node_.get(), &status_) != 0) throw_errno("stat", from.shown());
  }

  CopyResult run() const {
    if (S_ISDIR(status_.st_mode)) return copy_directory();
    if (options_.owner) options_.owner({status_.st_uid, status_.st_gid});  // before anything is created
    return copy_file();
  }

 private:
  CopyResult copy_directory() const {
    Fd top = make_directories(to_.inside(), 0755);
    Fd const kept(retry([&] { return ::fcntl(top.get(), F_DUPFD_CLOEXEC, 0); }));
    if (!kept) throw_errno("open", to_.shown());
    TreeCopier copier(from_.shown(), to_.shown(), how_);
    auto const done = copier.copy(reopened(O_RDONLY | O_DIRECTORY), std::move(top), TreeCopier::Top::kept);
    if (options_.flush == Flush::full) flush_tree("/proc/self/fd/" + std::to_string(kept.get()));
    return done;
  }

  CopyResult copy_file() const {
    auto path = to_.inside();
    if (to_.root.empty() && base_name(path).empty()) path /= from_.inside().filename();
    std::string const base = base_name(path);
    Fd const parent = make_directories(path.parent_path(), 0700);
    auto const old =
        find_status(parent.get(), base.empty() ? "." : base.c_str()).named([&] { return to_.shown(); });
    if (old && S_ISDIR(old->st_mode)) {
      errno = EISDIR;
      throw_errno("open", to_.shown());
    }
    bool const regular = S_ISREG(status_.st_mode);
    TreeCopier copier(from_.shown(), to_.shown().parent_path(), how_);
    auto const done = copier.copy_file(reopened(regular ? O_RDONLY : O_PATH), parent, base);
    if (options_.flush == Flush::full) {
      if (regular)
        sync_file(open_at(parent.get(), base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).get(), to_.shown());
      if (::fsync(parent.get()) != 0 && errno != EINVAL) throw_errno("fsync", to_.shown());
    }
    return done;
  }

  static CopyOptions how(CopyPathOptions const& options) {
    return {
        .flush = options.flush,
        .control = options.control,
        .keeps_xattr =
            [](std::string_view name) noexcept {
              return is_portable_xattr(name) && name.find(".overlay.") == name.npos;
            },
        .existing = Existing::replace,
        .mounts = Mounts::enter,
        .vanished = Vanished::pass,
        .order = Order::by_name,
        .owner = options.owner,
    };
  }

  Fd reopened(int flags) const {
    Fd fd = try_open_at(AT_FDCWD, ("/proc/self/fd/" + std::to_string(node_.get())).c_str(), flags);
    if (!fd) throw_errno("open", from_.shown());
    return fd;
  }

  Fd make_directories(fs::path const& path, mode_t mode) const {
    return target_.make_directories(path, mode, [&](int fresh, int above, mode_t fresh_mode) {
      auto const owner = S_ISDIR(status_.st_mode) ? options_.new_directories : options_.new_parents;
      if (::fchown(fresh, owner.uid, owner.gid) != 0 || ::fchmod(fresh, fresh_mode) != 0)
        throw_errno("chown", to_.shown());
      if (options_.flush == Flush::full && ::fsync(above) != 0 && errno != EINVAL)
        throw_errno("fsync", to_.shown());
    });
  }

  Place const& from_;
  Place const& to_;
  CopyPathOptions const& options_;
  CopyOptions how_;  ///< the copiers refer to it
  OpenPlace target_;
  Fd node_;
  struct stat status_ {};
};

}  // namespace detail

/// Copies a file, or a directory with its contents, from one tree into another: data (sharing blocks where
/// the file system can), hard links within the copy, owners, modes, times, attributes of files.
///
/// - Links in `from` are followed, so the copy of a link is a copy of its target. Mounts below a directory
///   are copied with it; entries that vanish meanwhile are skipped.
/// - `to` is the full name of the copy, unless it is a host path that ends with "/" and a file is copied.
///   Missing parents are created with mode 0755 for a directory, 0700 for a file.
/// - A directory is merged with an existing one, which keeps its attributes; its entries replace those of the
///   same name, whatever their type.
/// - A file replaces a file; a directory in its place fails with EISDIR.
///
/// Requires the necessary privileges. After a failure, what precedes it in name order has been copied.
/// @throws `errno`, "stat <from>", "mkdir <path>" for the directory or the file in its way, "<call> <path>";
///   `Errc::stopped`; exceptions of `owner`
///
///     sys::copy_path({.path = "hosts"}, {.root = mounted, .path = "/etc/hosts"});
inline CopyResult copy_path(Place const& from, Place const& to, CopyPathOptions const& options = {}) {
  return detail::PathCopy(from, to, options).run();
}

}  // namespace strata::sys
