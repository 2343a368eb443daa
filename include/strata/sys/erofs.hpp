#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <linux/loop.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>

namespace strata::sys {
namespace detail {

/// A loop device that shows a file, only to be read, and goes with its last user.
inline Fd loop_device(int file, std::filesystem::path const& image, std::string& name) {
  Fd const control = open_at(AT_FDCWD, "/dev/loop-control", O_RDWR);
  while (true) {
    int const number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) throw_errno("loop device", image);
    name = "/dev/loop" + std::to_string(number);
    Fd device = open_at(AT_FDCWD, name, O_RDWR);
    loop_config config{};
    config.fd = static_cast<unsigned>(file);
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return device;
    if (errno != EBUSY) throw_errno("loop device", image);  // else somebody was faster
  }
}

inline Fd try_mount_erofs(char const* source) {
  Fd const context(::fsopen("erofs", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", source, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return {};
  return Fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
}

}  // namespace detail

/// The file system in an EROFS image, mounted where nobody sees it until it is moved to a place (move_mount(2)); it goes
/// with the descriptor, which is that of its root. By the kernel alone from Linux 6.12 on, before by a loop device.
/// @throws `errno`, "mount erofs <image>": EPERM without rights over the host, EINVAL: it is no such image
inline Fd mount_erofs(std::filesystem::path const& image) {
  Fd const file = open_at(AT_FDCWD, image, O_RDONLY);
  auto const source = "/proc/self/fd/" + std::to_string(file.get());
  Fd mount = detail::try_mount_erofs(source.c_str());
  if (!mount && errno == ENOTBLK) {
    std::string name;
    Fd const device = detail::loop_device(file.get(), image, name);
    mount = detail::try_mount_erofs(name.c_str());
  }
  if (!mount) throw_errno("mount erofs", image);
  return mount;
}

}  // namespace strata::sys
