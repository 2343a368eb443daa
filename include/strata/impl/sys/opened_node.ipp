#pragma once

#include <strata/sys/opened_node.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace strata::sys {

STRATA_INLINE bool OpenedNode::set_owner(uid_t uid, gid_t gid) const noexcept {
  return ::fchownat(fd_, "", uid, gid, AT_EMPTY_PATH) == 0;
}

STRATA_INLINE bool OpenedNode::set_mode(mode_t mode) const {
  return (as_ == OpenedAs::file ? ::fchmod(fd_, mode) : ::chmod(proc_path().c_str(), mode)) == 0;
}

STRATA_INLINE bool OpenedNode::set_xattr(char const* name, std::string_view value) const {
  return (as_ == OpenedAs::file ? ::fsetxattr(fd_, name, value.data(), value.size(), 0)
                                : ::setxattr(proc_path().c_str(), name, value.data(), value.size(), 0)) == 0;
}

STRATA_INLINE bool OpenedNode::set_times(std::array<timespec, 2> const& times) const noexcept {
  return (as_ == OpenedAs::file ? ::futimens(fd_, times.data())
                                : ::utimensat(fd_, "", times.data(), AT_EMPTY_PATH)) == 0;
}

}  // namespace strata::sys
