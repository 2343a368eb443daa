#pragma once

#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount_entry.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
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
/// A path as mountinfo writes it: symbolic links resolved, as far as the path exists.
inline std::string mount_key(std::filesystem::path const& path) {
  std::error_code error;
  auto text = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error).native();
  if (error) throw Error(error, "resolve " + path.native());
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}
inline bool is_below(std::string_view point, std::string_view directory) {
  return directory == "/" ||
         (point.size() > directory.size() && point.starts_with(directory) && point[directory.size()] == '/');
}
}  // namespace detail

/// Mount points below a directory, and the directory itself if it is one: the last mounted first, so that they can be
/// unmounted in this order. A point with several mounts on it is named as often.
inline std::vector<std::filesystem::path> mounts_below(std::filesystem::path const& path) {
  std::string const key = detail::mount_key(path);
  std::vector<std::filesystem::path> points;
  for (auto& entry : mounts())
    if (entry.point.native() == key || detail::is_below(entry.point.native(), key))
      points.push_back(std::move(entry.point));
  std::reverse(points.begin(), points.end());
  return points;
}

/// The mount that one sees at `path`, if something is mounted right there: the last one.
inline std::optional<MountEntry> find_mount(std::filesystem::path const& path) {
  std::string const key = detail::mount_key(path);
  std::optional<MountEntry> found;
  for (auto& entry : mounts())
    if (entry.point.native() == key) found = std::move(entry);
  return found;
}

/// True if something is mounted right at `path`; false also if it does not exist. By statx (Linux 5.8) one call, for
/// older kernels by mountinfo.
inline bool is_mount_point(std::filesystem::path const& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_TYPE, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_errno("statx", path);
  }
  if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return find_mount(path).has_value();
}

/// True if both exist on one mounted file system.  @throws `errno`
inline bool same_device(std::filesystem::path const& one, std::filesystem::path const& other) {
  struct stat first {
  }, second{};
  if (::stat(one.c_str(), &first) != 0) throw_errno("stat", one);
  if (::stat(other.c_str(), &second) != 0) throw_errno("stat", other);
  return first.st_dev == second.st_dev;
}

/// What to mount, as in mount(2).
struct MountSpec {
  std::string source = {};
  std::string type = {};
  unsigned long flags = 0;  ///< `MS_…`
  std::string data = {};    ///< at most one page less a byte
};

/// @throws  `errno`, "mount <target>"
inline void mount(std::filesystem::path const& target, MountSpec const& spec) {
  if (::mount(spec.source.c_str(), target.c_str(), spec.type.c_str(), spec.flags, spec.data.c_str()) != 0)
    throw_errno("mount", target);
}

/// Makes a directory or file appear at another place too.  @throws `errno`, "mount <target>"
inline void bind_mount(std::filesystem::path const& from, std::filesystem::path const& target) {
  mount(target, {.source = from.native(), .flags = MS_BIND});
}

/// Keeps what is mounted below `target` from spreading to other mount namespaces: a mount point that is private,
/// `target` bound over itself if it was none. Processes that do so at once make one mount: a second would hide what the
/// first of them has mounted below it by then.  @throws `errno`, "open <target>", "statx <target>", "mount <target>"
inline void make_private(std::filesystem::path const& target) {
  Fd const lock =
      open_at(AT_FDCWD, target, O_RDONLY | O_DIRECTORY);  // the same directory, whatever is mounted on it
  retry([&] {
    return ::flock(lock.get(), LOCK_EX);
  });  // where it cannot be locked, the chance is as small as before
  if (!is_mount_point(target)) bind_mount(target, target);
  mount(target, {.flags = MS_PRIVATE});
}

/// Takes the last mount off `target`, at once, even if it is in use: it disappears, and ends when its last user does.
/// @return  false if nothing was mounted there
/// @throws  `errno`, "unmount <target>": EINVAL, EPERM: the mount belongs to a mount namespace that this one was made
///          from, and is locked; the error's holder tells who else sees it
inline bool unmount(std::filesystem::path const& target) {
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return true;
  int const code = errno;
  if (code == ENOENT || (code == EINVAL && !is_mount_point(target))) return false;
  errno = code;
  throw_busy("unmount", target);
}

/// Undoes `make_private`: takes a mount of a directory onto itself off again. A file system that somebody mounted there
/// stays.
inline void undo_private(std::filesystem::path const& target) {
  auto const found = find_mount(target);
  if (!found) return;
  for (auto const& below : mounts())
    if (below.id == found->parent && below.source == found->source &&
        found->root == (below.root / found->point.lexically_relative(below.point)).lexically_normal())
      unmount(target);
}

/// Takes everything off `path` and what is below it.  @throws as `unmount`; what was not reached stays mounted
inline void unmount_below(std::filesystem::path const& path) {
  for (auto const& point : mounts_below(path)) unmount(point);
}

/// Takes the last mount off a name in an open directory.  @return false and `errno` on failure
inline bool try_unmount_at(int directory, std::string const& name) noexcept {
  auto const path = "/proc/self/fd/" + std::to_string(directory) + '/' + name;
  return ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
}

}  // namespace strata::sys
