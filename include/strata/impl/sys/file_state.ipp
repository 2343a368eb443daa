#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file_state.hpp>

namespace strata::sys {

STRATA_INLINE bool FileState::same_file(FileState const& other) const noexcept {
  return device == other.device && inode == other.inode;
}

STRATA_INLINE bool FileState::newer_than(FileState const& other) const noexcept {
  return std::pair(modified_seconds, modified_nanoseconds) >
         std::pair(other.modified_seconds, other.modified_nanoseconds);
}

STRATA_INLINE void FileState::wait_for_newer() const noexcept {
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

STRATA_INLINE FileState FileState::of(fs::path const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return from(status);
  if (errno == ENOENT) return {};
  throw_errno("stat", path);
}

STRATA_INLINE FileState FileState::of(int fd, fs::path const& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("stat", path);
  return from(status);
}

STRATA_INLINE FileState FileState::from(struct stat const& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_seconds = status.st_mtim.tv_sec,
          .modified_nanoseconds = status.st_mtim.tv_nsec};
}

}  // namespace strata::sys
