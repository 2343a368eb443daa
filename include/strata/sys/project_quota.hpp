#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

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
std::uint32_t project_of(fs::path const& path);

/// Assigns a tree to a project, which new files in it inherit. Skips links and devices, which cannot carry an
/// id, and mounts. The top is assigned last, so its id shows that the tree is complete.
/// @throws `errno`, "set project of <path>"
void set_project(fs::path const& top, std::uint32_t project);

/// Creates a block-device node for the file system that holds `beside`, as quotactl(2) requires. Replaces an
/// old node, as the directory may have been moved from another disk.
void make_device_node(fs::path const& node, fs::path const& beside);

/// Limits of a project; 0 means unlimited.
struct ProjectLimits {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

/// Converts to the 512-byte blocks of quotactl(2). A limit below one block becomes one, as 0 would mean
/// unlimited.
std::uint64_t blocks_of_limit(std::uint64_t bytes) noexcept;

/// Sets both limits; file systems round the bytes up to their block size. Exceeding them fails with EDQUOT
/// (ENOSPC on XFS).
/// @param device block-device node of the file system
/// @throws `errno`, "limit project <number> on <device>", for example if project quotas are not enabled
void limit_project(fs::path const& device, std::uint32_t project, ProjectLimits const& limits);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/project_quota.ipp>
#endif
