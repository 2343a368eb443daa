#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/project_quota.hpp>
#include <strata/sys/visit_contents.hpp>

#include <algorithm>

namespace strata::sys {

STRATA_INLINE std::uint32_t project_of(fs::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  fsxattr attributes{};
  if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) == 0) return attributes.fsx_projid;
  if (errno == ENOTTY || errno == EOPNOTSUPP) return 0;
  throw_errno("get project of", path);
}

STRATA_INLINE void set_project(fs::path const& top, std::uint32_t project) {
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

STRATA_INLINE void make_device_node(fs::path const& node, fs::path const& beside) {
  struct stat status {};
  if (::stat(beside.c_str(), &status) != 0) throw_errno("stat", beside);
  auto const temporary = node.native() + ".tmp";
  ::unlink(temporary.c_str());
  if (::mknod(temporary.c_str(), S_IFBLK | 0600, status.st_dev) != 0) throw_errno("mknod", temporary);
  sys::rename(temporary, node);
}

STRATA_INLINE std::uint64_t blocks_of_limit(std::uint64_t bytes) noexcept {
  return bytes == 0 ? 0 : std::max<std::uint64_t>(bytes / 512, 1);
}

STRATA_INLINE void limit_project(fs::path const& device, std::uint32_t project, ProjectLimits const& limits) {
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
