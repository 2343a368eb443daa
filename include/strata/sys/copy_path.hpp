#pragma once

#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>

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
  fs::path shown() const;
  /// `path` without "." and "..", which have no meaning at the top of a tree.
  fs::path inside() const;
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
  explicit OpenPlace(Place place);

  /// Opens a path, following links; on failure returns an empty `Fd` and sets `errno`.
  Fd try_open(fs::path const& path, int flags) const;

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
  PathCopy(Place const& from, Place const& to, CopyPathOptions const& options);

  CopyResult run() const;

 private:
  CopyResult copy_directory() const;

  CopyResult copy_file() const;

  static CopyOptions how(CopyPathOptions const& options);

  Fd reopened(int flags) const;

  Fd make_directories(fs::path const& path, mode_t mode) const;

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
CopyResult copy_path(Place const& from, Place const& to, CopyPathOptions const& options = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/copy_path.ipp>
#endif
