#pragma once

#include <strata/drivers/overlay/backing.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE std::string backing_name(fs::path const& path) {
  struct Name {
    std::uint32_t magic;  // linux/magic.h, or the file system's own header
    std::string_view name;
  };
  static constexpr std::array names{Name{EXT4_SUPER_MAGIC, "extfs"},
                                    Name{XFS_SUPER_MAGIC, "xfs"},
                                    Name{BTRFS_SUPER_MAGIC, "btrfs"},
                                    Name{TMPFS_MAGIC, "tmpfs"},
                                    Name{OVERLAYFS_SUPER_MAGIC, "overlayfs"},
                                    Name{F2FS_SUPER_MAGIC, "f2fs"},
                                    Name{NFS_SUPER_MAGIC, "nfs"},
                                    Name{ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
                                    Name{0x2fc12fc1, "zfs"},
                                    Name{RAMFS_MAGIC, "ramfs"},
                                    Name{REISERFS_SUPER_MAGIC, "reiserfs"},
                                    Name{SQUASHFS_MAGIC, "squashfs"},
                                    Name{SMB_SUPER_MAGIC, "smb"},
                                    Name{CRAMFS_MAGIC, "cramfs"},
                                    Name{JFFS2_SUPER_MAGIC, "jffs2"},
                                    Name{0x3153464a, "jfs"},
                                    Name{0x61756673, "aufs"},
                                    Name{0x47504653, "gpfs"}};
  struct statfs status {};
  if (sys::retry([&] { return ::statfs(path.c_str(), &status); }) != 0) sys::throw_errno("statfs", path);
  for (auto const& known : names)
    if (known.magic == static_cast<std::uint32_t>(status.f_type)) return std::string(known.name);
  return "<unknown>";
}

STRATA_INLINE bool has_file_types(fs::path const& directory) {
  auto const fd = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
  for (auto const& entry : sys::read_directory(fd.get(), directory))
    if (entry.type == DT_UNKNOWN) return false;
  return true;
}

}  // namespace strata::drivers::overlay
