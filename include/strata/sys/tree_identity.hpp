#pragma once

#include <strata/fs.hpp>
#include <strata/sys/btrfs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

#include <cstdint>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <optional>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace strata::sys {

/// Identifies a directory beyond its name: the inode number and, for a btrfs subvolume, whose root inode
/// number is always the same, the tree id. Stable across reboots. Empty if the directory does not exist.
/// @throws `errno`, "open <path>", "look up subvolume <path>"
inline std::optional<std::string> tree_identity(fs::path const& path) {
  auto const fd = find_at(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return std::nullopt;
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) throw_errno("stat", path);
  auto text = std::to_string(status.st_ino);
  if (status.st_ino == btrfs::subvolume_inode && btrfs::is_btrfs(path)) {
    btrfs_ioctl_ino_lookup_args tree{};
    tree.objectid = btrfs::subvolume_inode;
    if (::ioctl(fd->get(), BTRFS_IOC_INO_LOOKUP, &tree) != 0) throw_errno("look up subvolume", path);
    text += '.' + std::to_string(tree.treeid);
  }
  return text;
}

}  // namespace strata::sys
