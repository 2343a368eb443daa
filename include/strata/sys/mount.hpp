#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/mount_entry.hpp>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace strata::sys {

namespace detail {
/// A path as mountinfo writes it: symbolic links resolved as far as the path exists.
std::string mount_key(fs::path const& path);
bool is_below(std::string_view point, std::string_view directory);
}  // namespace detail

/// The mount points at and below a directory, in the order in which they can be unmounted (latest first). A
/// point with several mounts is listed several times.
std::vector<fs::path> mounts_below(fs::path const& path);

/// The topmost mount at exactly `path`, if any.
std::optional<MountEntry> find_mount(fs::path const& path);

/// True if `path` is a mount point; false also if it does not exist. One statx(2) call since Linux 5.8, else
/// mountinfo is read.
bool is_mount_point(fs::path const& path);

/// True if both paths are on the same file system.
/// @throws `errno`, "stat <path>"
bool same_device(fs::path const& one, fs::path const& other);

/// Arguments of mount(2).
struct MountSpec {
  std::string source = {};
  std::string type = {};
  unsigned long flags = 0;  ///< `MS_…`
  std::string data = {};    ///< shorter than one page
};

/// mount(2).
/// @throws `errno`, "mount <target>"
void mount(fs::path const& target, MountSpec const& spec);

/// Bind-mounts a directory or file at `target`.
/// @throws `errno`, "mount <target>"
void bind_mount(fs::path const& from, fs::path const& target);

/// Keeps mounts below `target` from propagating to other mount namespaces, by making it a private mount
/// point; binds it to itself first if it is none. Concurrent calls are serialized, as a second bind would
/// hide mounts made below the first.
/// @throws `errno`, "open <target>", "statx <target>", "mount <target>"
void make_private(fs::path const& target);

/// Detaches the topmost mount at `target` at once (MNT_DETACH): it disappears even if in use, and ends with
/// its last user.
/// @return false if nothing was mounted there
/// @throws `errno`, "unmount <target>"; EINVAL or EPERM: the mount is locked, as it was inherited from a
///   parent mount namespace. `Error::holder()` names its other users
bool unmount(fs::path const& target);

/// Undoes `make_private`: removes a bind mount of a directory onto itself. Any other mount stays.
void undo_private(fs::path const& target);

/// Unmounts everything at and below `path`.
/// @throws as `unmount`; what was not reached stays mounted
void unmount_below(fs::path const& path);

/// Detaches the topmost mount at a name in an open directory.
/// @return false on failure, with `errno` set
bool try_unmount_at(int directory, std::string const& name) noexcept;

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/mount.ipp>
#endif
