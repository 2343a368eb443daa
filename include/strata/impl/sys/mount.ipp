#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount.hpp>

#include <algorithm>

namespace strata::sys::detail {

STRATA_INLINE std::string mount_key(fs::path const& path) {
  boost::system::error_code error;
  auto text = fs::weakly_canonical(fs::absolute(path, error), error).native();
  if (error) throw Error(error, "resolve " + path.native());
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

STRATA_INLINE bool is_below(std::string_view point, std::string_view directory) {
  return directory == "/" ||
         (point.size() > directory.size() && point.starts_with(directory) && point[directory.size()] == '/');
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE std::vector<fs::path> mounts_below(fs::path const& path) {
  std::string const key = detail::mount_key(path);
  std::vector<fs::path> points;
  for (auto& entry : mounts())
    if (entry.point.native() == key || detail::is_below(entry.point.native(), key))
      points.push_back(std::move(entry.point));
  std::reverse(points.begin(), points.end());
  return points;
}

STRATA_INLINE std::optional<MountEntry> find_mount(fs::path const& path) {
  std::string const key = detail::mount_key(path);
  std::optional<MountEntry> found;
  for (auto& entry : mounts())
    if (entry.point.native() == key) found = std::move(entry);
  return found;
}

STRATA_INLINE bool is_mount_point(fs::path const& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_TYPE, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_errno("statx", path);
  }
  if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return find_mount(path).has_value();
}

STRATA_INLINE bool same_device(fs::path const& one, fs::path const& other) {
  struct stat first {
  }, second{};
  if (::stat(one.c_str(), &first) != 0) throw_errno("stat", one);
  if (::stat(other.c_str(), &second) != 0) throw_errno("stat", other);
  return first.st_dev == second.st_dev;
}

STRATA_INLINE void mount(fs::path const& target, MountSpec const& spec) {
  if (::mount(spec.source.c_str(), target.c_str(), spec.type.c_str(), spec.flags, spec.data.c_str()) != 0)
    throw_errno("mount", target);
}

STRATA_INLINE void bind_mount(fs::path const& from, fs::path const& target) {
  mount(target, {.source = from.native(), .flags = MS_BIND});
}

STRATA_INLINE void make_private(fs::path const& target) {
  Fd const lock =
      open_at(AT_FDCWD, target, O_RDONLY | O_DIRECTORY);  // the directory itself, whatever is mounted on it
  retry([&] { return ::flock(lock.get(), LOCK_EX); });    // where it cannot be locked, the race remains
  if (!is_mount_point(target)) bind_mount(target, target);
  mount(target, {.flags = MS_PRIVATE});
}

STRATA_INLINE bool unmount(fs::path const& target) {
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return true;
  int const code = errno;
  if (code == ENOENT || (code == EINVAL && !is_mount_point(target))) return false;
  errno = code;
  throw_busy("unmount", target);
}

STRATA_INLINE void undo_private(fs::path const& target) {
  auto const found = find_mount(target);
  if (!found) return;
  for (auto const& below : mounts())
    if (below.id == found->parent && below.source == found->source &&
        found->root == clean(below.root / found->point.lexically_relative(below.point)))
      unmount(target);
}

STRATA_INLINE void unmount_below(fs::path const& path) {
  for (auto const& point : mounts_below(path)) unmount(point);
}

STRATA_INLINE bool try_unmount_at(int directory, std::string const& name) noexcept {
  auto const path = "/proc/self/fd/" + std::to_string(directory) + '/' + name;
  return ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
}

}  // namespace strata::sys
