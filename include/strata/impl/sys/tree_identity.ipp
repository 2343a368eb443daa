#pragma once

#include <strata/sys/btrfs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree_identity.hpp>

namespace strata::sys {

STRATA_INLINE std::optional<std::string> tree_identity(fs::path const& path) {
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
