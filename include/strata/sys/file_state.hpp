#pragma once

#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>

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
  bool same_file(FileState const& other) const noexcept {
    return device == other.device && inode == other.inode;
  }

  /// True if this one was modified after the other.
  bool newer_than(FileState const& other) const noexcept {
    return std::pair(modified_seconds, modified_nanoseconds) >
           std::pair(other.modified_seconds, other.modified_nanoseconds);
  }

  /// Waits until a file that is written now is newer: a tick of the kernel's clock, 20 ms at most.
  void wait_for_newer() const noexcept {
    timespec now{};
    for (int tries = 0; tries < 20; ++tries) {
      ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
      if (std::pair<std::int64_t, std::int64_t>(now.tv_sec, now.tv_nsec) >
          std::pair(modified_seconds, modified_nanoseconds))
        return;
      timespec const tick{.tv_sec = 0, .tv_nsec = 1'000'000};
      ::nanosleep(&tick, nullptr);
    }
  }

  /// @throws `errno`, "stat <path>"; a missing file is not an error
  static FileState of(fs::path const& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return from(status);
    if (errno == ENOENT) return {};
    throw_errno("stat", path);
  }
  static FileState of(int fd, fs::path const& path) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw_errno("stat", path);
    return from(status);
  }

 private:
  static FileState from(struct stat const& status) noexcept {
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .size = static_cast<std::uint64_t>(status.st_size),
            .modified_seconds = status.st_mtim.tv_sec,
            .modified_nanoseconds = status.st_mtim.tv_nsec};
  }
};

}  // namespace strata::sys
