#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/userns.hpp>

namespace strata::sys {

STRATA_INLINE bool has_admin_rights() noexcept {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[0].effective & (std::uint32_t{1} << CAP_SYS_ADMIN)) != 0;
}

STRATA_INLINE bool has_all_ids() {
  auto const map = read_file_if_exists("/proc/self/uid_map");
  return !map || map->find("4294967295") != map->npos;
}

STRATA_INLINE bool in_user_namespace() noexcept {
  struct stat status {};
  constexpr ino_t first = 0xeffffffd;  // PROC_USER_INIT_INO (linux/proc_ns.h)
  return ::stat("/proc/self/ns/user", &status) == 0 && status.st_ino != first;
}

}  // namespace strata::sys
