#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <sys/stat.h>
#include <utility>

namespace strata::sys {

/// Identity and version of a file, to detect changes since it was read. The default means "no such file".
struct FileState {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_seconds = 0;
  std::int64_t modified_nanoseconds = 0;

  bool operator==(FileState const&) const = default;
  bool exists() const noexcept { return inode != 0; }
  /// True if both are the same inode, whatever its contents.
  bool same_file(FileState const& other) const noexcept;

  /// True if this one was modified after the other.
  bool newer_than(FileState const& other) const noexcept;

  /// Waits until a file that is written now is newer: a tick of the kernel's clock, 20 ms at most.
  void wait_for_newer() const noexcept;

  /// @throws `errno`, "stat <path>"; a missing file is not an error
  static FileState of(fs::path const& path);
  static FileState of(int fd, fs::path const& path);

 private:
  static FileState from(struct stat const& status) noexcept;
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/file_state.ipp>
#endif
