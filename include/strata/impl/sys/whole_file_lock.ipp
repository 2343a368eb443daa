#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/whole_file_lock.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace strata::sys {

STRATA_INLINE bool try_lock(int fd, LockKind kind, LockWait wait) noexcept {
  struct flock lock {};  // zeros: the whole file, from its start
  lock.l_type = kind == LockKind::shared ? F_RDLCK : F_WRLCK;
  auto const command = wait == LockWait::yes ? F_OFD_SETLKW : F_OFD_SETLK;
  return retry([&] { return ::fcntl(fd, command, &lock); }) == 0;
}

STRATA_INLINE bool is_locked_elsewhere(int fd) noexcept {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  return retry([&] { return ::fcntl(fd, F_OFD_GETLK, &lock); }) == 0 && lock.l_type != F_UNLCK;
}

STRATA_INLINE bool is_file_at(fs::path const& path, int fd) noexcept {
  struct stat named {
  }, open{};
  if (::fstat(fd, &open) != 0 || ::lstat(path.c_str(), &named) != 0) return false;
  return named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

}  // namespace strata::sys
