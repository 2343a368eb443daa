#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

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
std::optional<std::string> tree_identity(fs::path const& path);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/tree_identity.ipp>
#endif
