#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>

/// Locks on whole files by open file description (fcntl(2), F_OFD_SETLK). They conflict with the POSIX locks of other
/// programs, exclude threads of this process as well, and end when the last descriptor of the description is closed.
namespace strata::sys {

enum class LockKind {
  shared,    ///< needs a descriptor open for reading
  exclusive  ///< needs one open for writing
};

/// Whether to wait for another holder.
enum class LockWait { no, yes };

/// Takes a lock, or changes the kind of one that the description has.
/// @return  false on failure, with `errno` set; EAGAIN or EACCES: there is another holder (`LockWait::no`)
bool try_lock(int fd, LockKind kind, LockWait wait = LockWait::no) noexcept;

/// True if another description holds any lock on the file. False where the file system has no locks.
bool is_locked_elsewhere(int fd) noexcept;

/// True if the path still refers to the open file: it was not replaced while its lock was waited for.
bool is_file_at(fs::path const& path, int fd) noexcept;

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/whole_file_lock.ipp>
#endif
