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

/// A path in a tree, one end of a copy.
struct Place {
  /// The tree: ".." and symbolic links in it lead to where they would lead if it were "/". Empty: the host's own.
  std::filesystem::path root = {};
  std::filesystem::path path = {};

  /// As the host names it.
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

struct CopyPathOptions {
  Flush flush = Flush::none;  ///< `full`: all of it is on the device when the call returns
  Control control = {};
  std::function<FileOwner(FileOwner)> owner = {};  ///< of a copy, from that of the original; none: the same
  FileOwner new_directories = {};  ///< of those made for a directory: the copy's own and above it
  FileOwner new_parents = {};      ///< of those made above a file, which are closed to others
};

namespace detail {

/// A place whose tree is open.
class OpenPlace {
 public:
  explicit OpenPlace(Place place) : place_(std::move(place)) {
    if (!place_.root.empty()) root_ = open_at(AT_FDCWD, place_.root, O_PATH | O_DIRECTORY);
  }

  /// Follows links. Without throwing: an empty `Fd` and `errno`.
  Fd try_open(std::filesystem::path const& path, int flags) const {
    if (!root_) return try_open_at(AT_FDCWD, path.empty() ? "." : path.c_str(), flags);
    auto const below = path.relative_path();
    return try_open_in_root(root_.get(), below.empty() ? "." : below.c_str(), flags);
  }

  /// The directory at `path`; it and those above it are made if they are missing.
  /// @param made  called with each that was made, and the directory it was made in
  template <class Made>
  Fd make_directories(std::filesystem::path const& path, mode_t mode, Made&& made) const {
    if (Fd known = try_open(path, O_RDONLY | O_DIRECTORY)) return known;
    bool const file_above = errno == ENOTDIR && !try_open(path, O_PATH) && errno == ENOTDIR;
    if (!file_above && (errno != ENOENT || !path.has_relative_path())) throw_errno("mkdir", name(path));
    Fd const above = make_directories(path.parent_path(), mode, made);
    std::string const base = path.filename();
    // The mode at once, for what fails next may not be the last thing to fail.
    if (::mkdirat(above.get(), base.c_str(), mode) != 0) throw_errno("mkdir", name(path));
    try {
      Fd fresh = open_at(above.get(), base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      struct stat status {};  // a directory that gives its group on has given that on as well
      if (::fstat(fresh.get(), &status) != 0) throw_errno("stat", name(path));
      made(fresh.get(), above.get(), mode | (status.st_mode & S_ISGID));
      return fresh;
    } catch (...) {  // one that is there keeps its attributes, and this one has not got them yet
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

/// Copies a file, or a directory with all that is in it, from one tree into another: contents (blocks shared where the
/// file system can), hard links among the copied, owners, modes, times, attributes of files.
///
/// - `from`: links are followed, so that the copy of a link is one of what it leads to; what is mounted in a
///   directory is copied with it; what vanishes from one meanwhile is left out
/// - `to` is the copy's full name, not a directory to put it into, unless a host's path ends with "/" and a file is
///   copied. Missing directories above it are made, 0755 for a directory and 0700 for a file
/// - a directory becomes one with the directory that is there, which keeps its own attributes; what is in it
///   replaces what has the same name, of whatever kind
/// - a file replaces a file, and is refused where a directory is: EISDIR
///
/// Needs the rights for what it meets. What was copied until a failure stays: what comes before it by the names.
/// @throws  `errno`, "stat <from>", "mkdir <directory>" or of the file in its way, "<call> <path>"; `Errc::stopped`; what
///          `owner` throws
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
  if (options.owner && !S_ISDIR(status.st_mode))  // of a file: refused before anything is made
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
