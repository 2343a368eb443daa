#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/// Subvolumes, snapshots and quotas of btrfs (ioctls of linux/btrfs.h; Linux 4.18 for nested subvolumes).
namespace strata::sys::btrfs {

inline constexpr ino_t subvolume_inode = 256;  ///< root inode of every subvolume (BTRFS_FIRST_FREE_OBJECTID)

/// True if an existing path is on btrfs.
/// @throws `errno`, "statfs <path>"
bool is_btrfs(fs::path const& path);

/// True for the root of a subvolume; false for a missing path.
/// @throws `errno`, "stat <path>"
bool is_subvolume(fs::path const& path);

namespace detail {

/// Copies a name into an ioctl argument.
/// @return false if it is too long, with `errno` set
template <std::size_t N>
bool put_name(char (&to)[N], std::string const& name) noexcept {
  if (name.size() >= N || name.size() > BTRFS_VOL_NAME_MAX) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(to, name.c_str(), name.size() + 1);
  return true;
}

}  // namespace detail

/// Creates an empty subvolume; it is on stable storage on return.
/// @throws `errno`, "create subvolume <path>"
void create_subvolume(fs::path const& path);

/// Creates a snapshot of the subvolume with the root `from`; the two share all blocks. Subvolumes inside
/// `from` become empty directories. On stable storage on return.
/// @throws `errno`, "snapshot <path>"
void snapshot(fs::path const& from, fs::path const& path);

/// Deletes a subvolume in an open directory, including nested ones. Fast: the kernel frees the files later.
/// Reports kernel errors by its result, so that a caller without privileges can delete file by file instead.
/// @return false with `errno` set: not a subvolume, not permitted (EPERM), or in use (EBUSY)
bool try_destroy_subvolume(int parent, std::string const& name);

/// Enables quotas for the whole file system. Does nothing if they are enabled.
/// @throws `errno`, "enable quota <path>"
void enable_quota(fs::path const& path);

/// Limits the bytes that a subvolume refers to, including those shared with others. Requires enabled quotas.
/// Writes beyond the limit fail with EDQUOT.
/// @param path root of the subvolume
/// @throws `errno`, "limit <path>"
void limit(fs::path const& path, std::uint64_t bytes);

}  // namespace strata::sys::btrfs

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/btrfs.ipp>
#endif
