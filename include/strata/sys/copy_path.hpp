#pragma once

#include <strata/durability.hpp>
#include <strata/progress.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
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
  std::filesystem::path root = {};
  std::filesystem::path path = {};

  /// The path as seen from the host, for messages.
  std::filesystem::path shown() const {
    auto const below = inside().relative_path();
    return root.empty() ? path : below.empty() ? root : root / below;
  }
  /// `path` without "." and "..", which have no meaning at the top of a tree.
  std::filesystem::path inside() const {
    if (root.empty()) return path;
    auto clean = ("/" / path.relative_path()).lexically_normal();
    return clean.has_filename() || !clean.has_relative_path() ? clean : clean.parent_path();
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
  Fd try_open(std::filesystem::path const& path, int flags) const {
    if (!root_) return try_open_at(AT_FDCWD, path.empty() ? "." : path.c_str(), flags);
    auto const below = path.relative_path();
    return try_open_in_root(root_.get(), below.empty() ? "." : below.c_str(), flags);
  }

  /// Opens the directory at `path`, creating it and its missing parents.
  /// @param made called with each new directory and its parent
  template <class Made>
  Fd make_directories(std::filesystem::path const& path, mode_t mode, Made&& made) const {
    if (Fd known = try_open(path, O_RDONLY | O_DIRECTORY)) return known;
    bool const file_above = errno == ENOTDIR && !try_open(path, O_PATH) && errno == ENOTDIR;
    if (!file_above && (errno != ENOENT || !path.has_relative_path())) throw_errno("mkdir", name(path));
    Fd const above = make_directories(path.parent_path(), mode, made);
    std::string const base = path.filename();
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
  std::filesystem::path name(std::filesystem::path const& path) const {
    return Place{place_.root, path}.shown();
  }

  Place place_;
  Fd root_;
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
  detail::OpenPlace const source(from);
  detail::OpenPlace const target(to);
  CopyOptions const copy{
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
  Fd const node = source.try_open(from.inside(), O_PATH);
  struct stat status {};
  if (!node || ::fstat(node.get(), &status) != 0) throw_errno("stat", from.shown());
  if (options.owner && !S_ISDIR(status.st_mode))  // before anything is created
    options.owner({status.st_uid, status.st_gid});
  auto const reopened = [&](int flags) {
    Fd fd = try_open_at(AT_FDCWD, ("/proc/self/fd/" + std::to_string(node.get())).c_str(), flags);
    if (!fd) throw_errno("open", from.shown());
    return fd;
  };
  auto const made = [&](int fresh, int above, mode_t mode) {
    auto const owner = S_ISDIR(status.st_mode) ? options.new_directories : options.new_parents;
    if (::fchown(fresh, owner.uid, owner.gid) != 0 || ::fchmod(fresh, mode) != 0)
      throw_errno("chown", to.shown());
    if (options.flush == Flush::full && ::fsync(above) != 0 && errno != EINVAL)
      throw_errno("fsync", to.shown());
  };
  if (S_ISDIR(status.st_mode)) {
    Fd top = target.make_directories(to.inside(), 0755, made);
    std::string const top_path = "/proc/self/fd/" + std::to_string(top.get());
    Fd const kept(retry([&] { return ::fcntl(top.get(), F_DUPFD_CLOEXEC, 0); }));
    if (!kept) throw_errno("open", to.shown());
    detail::TreeCopier copier(from.shown(), to.shown(), copy);
    auto const done =
        copier.copy(reopened(O_RDONLY | O_DIRECTORY), std::move(top), detail::TreeCopier::Top::kept);
    if (options.flush == Flush::full) flush_tree("/proc/self/fd/" + std::to_string(kept.get()));
    return done;
  }
  auto path = to.inside();
  if (to.root.empty() && !path.has_filename()) path /= from.inside().filename();
  std::string const base = path.filename();
  Fd const parent = target.make_directories(path.parent_path(), 0700, made);
  auto const old =
      find_status(parent.get(), base.empty() ? "." : base.c_str()).named([&] { return to.shown(); });
  if (old && S_ISDIR(old->st_mode)) {
    errno = EISDIR;
    throw_errno("open", to.shown());
  }
  detail::TreeCopier copier(from.shown(), to.shown().parent_path(), copy);
  auto const done =
      copier.copy_file(S_ISREG(status.st_mode) ? reopened(O_RDONLY) : reopened(O_PATH), parent, base);
  if (options.flush == Flush::full) {
    if (S_ISREG(status.st_mode))
      sync_file(open_at(parent.get(), base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).get(), to.shown());
    if (::fsync(parent.get()) != 0 && errno != EINVAL) throw_errno("fsync", to.shown());
  }
  return done;
}

}  // namespace strata::sys
