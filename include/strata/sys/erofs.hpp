#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cerrno>
#include <fcntl.h>
#include <linux/loop.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>

namespace strata::sys {
namespace detail {

/// Attaches a file to a read-only loop device that is released with its last user.
Fd loop_device(int file, fs::path const& image, std::string& name);

Fd try_mount_erofs(char const* source);

}  // namespace detail

/// Mounts an EROFS image without attaching it anywhere; use move_mount(2) to do so. The returned descriptor
/// is the root, and closing it unmounts. Uses file-backed mounts from Linux 6.12 on, a loop device before.
/// @throws `errno`, "mount erofs <image>": EPERM without privileges in the initial user namespace, EINVAL if
///   it is not such an image
Fd mount_erofs(fs::path const& image);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/erofs.ipp>
#endif
