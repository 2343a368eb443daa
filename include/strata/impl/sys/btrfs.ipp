#pragma once

#include <strata/sys/btrfs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

namespace strata::sys::btrfs {

STRATA_INLINE bool is_btrfs(fs::path const& path) {
  struct statfs status {};
  if (retry([&] { return ::statfs(path.c_str(), &status); }) != 0) throw_errno("statfs", path);
  return static_cast<std::uint32_t>(status.f_type) == BTRFS_SUPER_MAGIC;
}

STRATA_INLINE bool is_subvolume(fs::path const& path) {
  auto const status = find_status(path);
  return status && S_ISDIR(status->st_mode) && status->st_ino == subvolume_inode && is_btrfs(path);
}

STRATA_INLINE void create_subvolume(fs::path const& path) {
  Fd const directory = open_at(AT_FDCWD, directory_of(path), O_RDONLY | O_DIRECTORY);
  btrfs_ioctl_vol_args arguments{};
  if (!detail::put_name(arguments.name, path.filename().native()) ||
      ::ioctl(directory.get(), BTRFS_IOC_SUBVOL_CREATE, &arguments) != 0)
    throw_errno("create subvolume", path);
}

STRATA_INLINE void snapshot(fs::path const& from, fs::path const& path) {
  Fd const source = open_at(AT_FDCWD, from, O_RDONLY | O_DIRECTORY);
  Fd const directory = open_at(AT_FDCWD, directory_of(path), O_RDONLY | O_DIRECTORY);
  btrfs_ioctl_vol_args_v2 arguments{};
  arguments.fd = source.get();
  if (!detail::put_name(arguments.name, path.filename().native()) ||
      ::ioctl(directory.get(), BTRFS_IOC_SNAP_CREATE_V2, &arguments) != 0)
    throw_errno("snapshot", path);
}

STRATA_INLINE bool try_destroy_subvolume(int parent, std::string const& name) {
  Fd const self = try_open_at(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  struct stat status {};
  if (!self || ::fstat(self.get(), &status) != 0) return false;
  if (status.st_ino != subvolume_inode) {
    errno = EINVAL;
    return false;
  }
  auto const inside = std::make_unique<btrfs_ioctl_get_subvol_rootref_args>();
  auto const where = std::make_unique<btrfs_ioctl_ino_lookup_user_args>();
  for (;;) {  // a call returns at most 255 (EOVERFLOW: there are more), and no deleted ones
    std::memset(inside.get(), 0, sizeof *inside);
    if (::ioctl(self.get(), BTRFS_IOC_GET_SUBVOL_ROOTREF, inside.get()) != 0 && errno != EOVERFLOW) break;
    if (inside->num_items == 0) break;
    for (unsigned i = 0; i < inside->num_items; ++i) {
      std::memset(where.get(), 0, sizeof *where);
      where->dirid = inside->rootref[i].dirid;
      where->treeid = inside->rootref[i].treeid;
      if (::ioctl(self.get(), BTRFS_IOC_INO_LOOKUP_USER, where.get()) != 0) return false;
      std::string const directory = where->path[0] == '\0' ? "." : where->path;
      Fd const at = try_open_in_root(self.get(), directory.c_str(), O_RDONLY | O_DIRECTORY);
      if (!at || !try_destroy_subvolume(at.get(), where->name)) return false;
    }
  }
  // Its quota group. Newer kernels remove it themselves, older ones never.
  btrfs_ioctl_ino_lookup_args tree{};
  tree.objectid = subvolume_inode;
  if (::ioctl(self.get(), BTRFS_IOC_INO_LOOKUP, &tree) == 0) {
    btrfs_ioctl_qgroup_create_args group{.create = 0, .qgroupid = tree.treeid};
    ::ioctl(self.get(), BTRFS_IOC_QGROUP_CREATE, &group);
  }
  Fd const directory =
      try_open_at(parent, ".", O_RDONLY | O_DIRECTORY);  // an O_PATH descriptor does not accept ioctls
  btrfs_ioctl_vol_args arguments{};
  return directory && detail::put_name(arguments.name, name) &&
         ::ioctl(directory.get(), BTRFS_IOC_SNAP_DESTROY, &arguments) == 0;
}

STRATA_INLINE void enable_quota(fs::path const& path) {
  Fd const directory = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  btrfs_ioctl_quota_ctl_args arguments{};
  arguments.cmd = BTRFS_QUOTA_CTL_ENABLE;
  if (::ioctl(directory.get(), BTRFS_IOC_QUOTA_CTL, &arguments) != 0 && errno != EEXIST)
    throw_errno("enable quota", path);
}

STRATA_INLINE void limit(fs::path const& path, std::uint64_t bytes) {
  Fd const directory = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  btrfs_ioctl_qgroup_limit_args arguments{};
  arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
  arguments.lim.max_rfer = bytes;
  if (::ioctl(directory.get(), BTRFS_IOC_QGROUP_LIMIT, &arguments) != 0) throw_errno("limit", path);
}

}  // namespace strata::sys::btrfs
