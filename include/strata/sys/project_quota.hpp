#pragma once

#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

/// Projects of XFS, ext4 and f2fs: a number that files carry, and limits to what all files of one number may take
/// (quotactl(2); file systems mounted with "prjquota").
namespace strata::sys {

/// Project of a file or directory; 0 is none, also where the file system knows no projects.
inline std::uint32_t project_of(std::filesystem::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  fsxattr attributes{};
  if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) == 0) return attributes.fsx_projid;
  if (errno == ENOTTY || errno == EOPNOTSUPP) return 0;
  throw_errno("get project of", path);
}

namespace detail {
inline void set_project(int fd, std::uint32_t project, bool is_directory, std::filesystem::path const& path) {
  fsxattr attributes{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0) throw_errno("get project of", path);
  attributes.fsx_projid = project;
  if (is_directory) attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (::ioctl(fd, FS_IOC_FSSETXATTR, &attributes) != 0) throw_errno("set project of", path);
}
}  // namespace detail

/// Gives a tree to a project; what is made in it from now on is the project's as well. Links and devices cannot carry a
/// number after they were made, and are passed over.
/// @throws `errno`, "set project of <path>"
inline void set_project(std::filesystem::path const& top, std::uint32_t project) {
  struct Entries {
    std::vector<DirectoryEntry> entries;
    std::size_t next = 0;
  };
  Descent<Entries> descent(top);
  auto const enter = [&](Fd fd, std::string name) {
    auto const path = descent.empty() ? top : descent.path(name);
    detail::set_project(fd.get(), project, true, path);
    auto entries = read_directory(fd.get(), path);
    descent.enter(std::move(fd), std::move(name), {std::move(entries)});
  };
  enter(open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY), {});
  while (!descent.empty()) {
    auto& level = descent.here();
    if (level.extra.next == level.extra.entries.size()) {
      descent.leave();
      continue;
    }
    auto const entry = std::move(level.extra.entries[level.extra.next++]);
    if (is_directory(descent.fd(), entry)) {
      Fd fd = try_enter(descent.fd(), entry.name.c_str());
      if (!fd) throw_errno("open", descent.path(entry.name));
      enter(std::move(fd), entry.name);
    } else if (entry.type == DT_REG || entry.type == DT_UNKNOWN) {
      Fd const fd = try_open_at(descent.fd(), entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      struct stat status {};
      if (fd && ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
        detail::set_project(fd.get(), project, false, descent.path(entry.name));
    }
  }
}

/// A device node for the file system that holds `beside`, by which quotactl(2) is told which one is meant; an old one is
/// replaced, for the directory may have come from another disk.
inline void make_device_node(std::filesystem::path const& node, std::filesystem::path const& beside) {
  struct stat status {};
  if (::stat(beside.c_str(), &status) != 0) throw_errno("stat", beside);
  auto const temporary = node.native() + ".tmp";
  ::unlink(temporary.c_str());
  if (::mknod(temporary.c_str(), S_IFBLK | 0600, status.st_dev) != 0) throw_errno("mknod", temporary);
  if (::rename(temporary.c_str(), node.c_str()) != 0) throw_errno("rename", node);
}

/// What a project may have; 0: any number.
struct ProjectLimits {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

/// Sets both limits. Those who pass them get EDQUOT (ENOSPC on XFS).
/// @param device  a node of the file system's block device
/// @throws        `errno`, "limit project <number> on <device>": project quotas are not enabled there, for one
inline void limit_project(std::filesystem::path const& device, std::uint32_t project,
                          ProjectLimits const& limits) {
  constexpr int by_project = 2;  // PRJQUOTA of linux/quota.h, which does not go with sys/quota.h
  fs_disk_quota wanted{};
  wanted.d_version = FS_DQUOT_VERSION;
  wanted.d_flags = FS_PROJ_QUOTA;
  wanted.d_id = project;
  wanted.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT;
  wanted.d_blk_hardlimit = wanted.d_blk_softlimit = limits.bytes / 512;
  wanted.d_ino_hardlimit = wanted.d_ino_softlimit = limits.inodes;
  if (::quotactl(static_cast<int>(QCMD(Q_XSETQLIM, by_project)), device.c_str(), static_cast<int>(project),
                 reinterpret_cast<char*>(&wanted)) != 0)
    throw_errno("limit project " + std::to_string(project) + " on", device);
}

}  // namespace strata::sys
