#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount_entry.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace strata::sys {

namespace detail {
/// A path as mountinfo writes it: symbolic links resolved as far as the path exists.
inline std::string mount_key(fs::path const& path) {
  boost::system::error_code error;
  auto text = fs::weakly_canonical(fs::absolute(path, error), error).native();
  if (error) throw Error(error, "resolve " + path.native());
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}
inline bool is_below(std::string_view point, std::string_view directory) {
  return directory == "/" ||
         (point.size() > directory.size() && point.starts_with(directory) && point[directory.size()] == '/');
}
}  // namespace detail

/// The mount points at and below a directory, in the order in which they can be unmounted (latest first). A
/// point with several mounts is listed several times.
inline std::vector<fs::path> mounts_below(fs::path const& path) {
  std::string const key = detail::mount_key(path);
  std::vector<fs::path> points;
  for (auto& entry : mounts())
    if (entry.point.native() == key || detail::is_below(entry.point.native(), key))
      points.push_back(std::move(entry.point));
  std::reverse(points.begin(), points.end());
  return points;
}

/// The topmost mount at exactly `path`, if any.
inline std::optional<MountEntry> find_mount(fs::path const& path) {
  std::string const key = detail::mount_key(path);
  std::optional<MountEntry> found;
  for (auto& entry : mounts())
    if (entry.point.native() == key) found = std::move(entry);
  return found;
}

/// True if `path` is a mount point; false also if it does not exist. One statx(2) call since Linux 5.8, else
/// mountinfo is read.
inline bool is_mount_point(fs::path const& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_TYPE, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_errno("statx", path);
  }
  if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return find_mount(path).has_value();
}

/// True if both paths are on the same file system.
/// @throws `errno`, "stat <path>"
inline bool same_device(fs::path const& one, fs::path const& other) {
  struct stat first {
  }, second{};
  if (::stat(one.c_str(), &first) != 0) throw_errno("stat", one);
  if (::stat(other.c_str(), &second) != 0) throw_errno("stat", other);
  return first.st_dev == second.st_dev;
}

/// Arguments of mount(2).
struct MountSpec {
  std::string source = {};
  std::string type = {};
  unsigned long flags = 0;  ///< `MS_…`
  std::string data = {};    ///< shorter than one page
};

/// mount(2).
/// @throws `errno`, "mount <target>"
inline void mount(fs::path const& target, MountSpec const& spec) {
  if (::mount(spec.source.c_str(), target.c_str(), spec.type.c_str(), spec.flags, spec.data.c_str()) != 0)
    throw_errno("mount", target);
}

/// Bind-mounts a directory or file at `target`.
/// @throws `errno`, "mount <target>"
inline void bind_mount(fs::path const& from, fs::path const& target) {
  mount(target, {.source = from.native(), .flags = MS_BIND});
}

/// Keeps mounts below `target` from propagating to other mount namespaces, by making it a private mount
/// point; binds it to itself first if it is none. Concurrent calls are serialized, as a second bind would
/// hide mounts made below the first.
/// @throws `errno`, "open <target>", "statx <target>", "mount <target>"
inline void make_private(fs::path const& target) {
  Fd const lock =
      open_at(AT_FDCWD, target, O_RDONLY | O_DIRECTORY);  // the directory itself, whatever is mounted on it
  retry([&] { return ::flock(lock.get(), LOCK_EX); });    // where it cannot be locked, the race remains
  if (!is_mount_point(target)) bind_mount(target, target);
  mount(target, {.flags = MS_PRIVATE});
}

/// Detaches the topmost mount at `target` at once (MNT_DETACH): it disappears even if in use, and ends with
/// its last user.
/// @return false if nothing was mounted there
/// @throws `errno`, "unmount <target>"; EINVAL or EPERM: the mount is locked, as it was inherited from a
///   parent mount namespace. `Error::holder()` names its other users
inline bool unmount(fs::path const& target) {
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return true;
  int const code = errno;
  if (code == ENOENT || (code == EINVAL && !is_mount_point(target))) return false;
  errno = code;
  throw_busy("unmount", target);
}

/// Undoes `make_private`: removes a bind mount of a directory onto itself. Any other mount stays.
inline void undo_private(fs::path const& target) {
  auto const found = find_mount(target);
  if (!found) return;
  for (auto const& below : mounts())
    if (below.id == found->parent && below.source == found->source &&
        found->root == clean(below.root / found->point.lexically_relative(below.point)))
      unmount(target);
}

/// Unmounts everything at and below `path`.
/// @throws as `unmount`; what was not reached stays mounted
inline void unmount_below(fs::path const& path) {
  for (auto const& point : mounts_below(path)) unmount(point);
}

/// Detaches the topmost mount at a name in an open directory.
/// @return false on failure, with `errno` set
inline bool try_unmount_at(int directory, std::string const& name) noexcept {
  auto const path = "/proc/self/fd/" + std::to_string(directory) + '/' + name;
  return ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
}

}  // namespace strata::sys
