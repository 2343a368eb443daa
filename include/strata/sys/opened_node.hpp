#pragma once

#include <strata/separate.hpp>

#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace strata::sys {

/// How a file was opened: for reading, or with O_PATH as it must not be opened (links, devices, FIFOs).
enum class OpenedAs { file, path_only };

/// Changes attributes of an open file, whichever way it was opened: what the kernel refuses for an O_PATH descriptor is done
/// through /proc/self/fd, which leads to the file itself, also to a link. Does not own the descriptor. Each function is one
/// system call, and returns false on failure, with `errno` set.
class OpenedNode {
 public:
  OpenedNode(int fd, OpenedAs as) noexcept : fd_(fd), as_(as) {}

  int fd() const noexcept { return fd_; }

  bool set_owner(uid_t uid, gid_t gid) const noexcept;
  /// @param mode  permission bits
  bool set_mode(mode_t mode) const;
  bool set_xattr(char const* name, std::string_view value) const;
  /// @param times  of access and of modification; for O_PATH descriptors since Linux 5.8
  bool set_times(std::array<timespec, 2> const& times) const noexcept;

 private:
  std::string proc_path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  int fd_;
  OpenedAs as_;
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/opened_node.ipp>
#endif
