#pragma once

#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/visit_contents.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <unistd.h>

/// Project quotas of XFS, ext4 and f2fs: files carry a project id, and each project has limits (quotactl(2);
/// requires the mount option "prjquota").
namespace strata::sys {

/// The project id of a file or directory; 0 if it has none or the file system does not support projects.
/// @throws `errno`, "open <path>", "get project of <path>"
inline std::uint32_t project_of(fs::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  fsxattr attributes{};
  if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) == 0) return attributes.fsx_projid;
  if (errno == ENOTTY || errno == EOPNOTSUPP) return 0;
  throw_errno("get project of", path);
}

/// Assigns a tree to a project, which new files in it inherit. Skips links and devices, which cannot carry an
/// id, and mounts. The top is assigned last, so its id shows that the tree is complete.
/// @throws `errno`, "set project of <path>"
inline void set_project(fs::path const& top, std::uint32_t project) {
  visit_contents(top, [&](Fd const fd, auto const& path) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw_errno("stat", path());
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return;
    fsxattr attributes{};
    if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) != 0) throw_errno("get project of", path());
    attributes.fsx_projid = project;
    if (S_ISDIR(status.st_mode)) attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (::ioctl(fd.get(), FS_IOC_FSSETXATTR, &attributes) != 0) throw_errno("set project of", path());
  });
}

/// Creates a block-device node for the file system that holds `beside`, as quotactl(2) requires. Replaces an
/// old node, as the directory may have been moved from another disk.
inline void make_device_node(fs::path const& node, fs::path const& beside) {
  struct stat status {};
  if (::stat(beside.c_str(), &status) != 0) throw_errno("stat", beside);
  auto const temporary = node.native() + ".tmp";
  ::unlink(temporary.c_str());
  if (::mknod(temporary.c_str(), S_IFBLK | 0600, status.st_dev) != 0) throw_errno("mknod", temporary);
  sys::rename(temporary, node);
}

/// Limits of a project; 0 means unlimited.
struct ProjectLimits {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

/// Converts to the 512-byte blocks of quotactl(2). A limit below one block becomes one, as 0 would mean
/// unlimited.
inline std::uint64_t blocks_of_limit(std::uint64_t bytes) noexcept {
  return bytes == 0 ? 0 : std::max<std::uint64_t>(bytes / 512, 1);
}

/// Sets both limits; file systems round the bytes up to their block size. Exceeding them fails with EDQUOT
/// (ENOSPC on XFS).
/// @param device block-device node of the file system
/// @throws `errno`, "limit project <number> on <device>", for example if project quotas are not enabled
inline void limit_project(fs::path const& device, std::uint32_t project, ProjectLimits const& limits) {
  constexpr int by_project = 2;  // PRJQUOTA of linux/quota.h, which conflicts with sys/quota.h
  fs_disk_quota wanted{};
  wanted.d_version = FS_DQUOT_VERSION;
  wanted.d_flags = FS_PROJ_QUOTA;
  wanted.d_id = project;
  wanted.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT;
  wanted.d_blk_hardlimit = wanted.d_blk_softlimit = blocks_of_limit(limits.bytes);
  wanted.d_ino_hardlimit = wanted.d_ino_softlimit = limits.inodes;
  if (::quotactl(static_cast<int>(QCMD(Q_XSETQLIM, by_project)), device.c_str(), static_cast<int>(project),
                 reinterpret_cast<char*>(&wanted)) != 0)
    throw_errno("limit project " + std::to_string(project) + " on", device);
}

}  // namespace strata::sys
