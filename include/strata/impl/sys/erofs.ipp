#pragma once

#include <strata/sys/erofs.hpp>
#include <strata/sys/file.hpp>

namespace strata::sys::detail {

STRATA_INLINE Fd loop_device(int file, fs::path const& image, std::string& name) {
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
    if (errno != EBUSY) throw_errno("loop device", image);  // another process took that device: try the next
  }
}

STRATA_INLINE Fd try_mount_erofs(char const* source) {
  Fd const context(::fsopen("erofs", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", source, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return {};
  return Fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE Fd mount_erofs(fs::path const& image) {
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
