#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file_at.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace strata::sys {

STRATA_INLINE std::size_t read_at(int fd, std::span<std::byte> to, std::uint64_t offset,
                                  fs::path const& path) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    auto const n = retry([&] {
      return ::pread(fd, to.data() + filled, to.size() - filled, static_cast<off_t>(offset + filled));
    });
    if (n < 0) throw_errno("read", path);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  return filled;
}

STRATA_INLINE void write_at(int fd, Bytes bytes, std::uint64_t offset, fs::path const& path) {
  while (!bytes.empty()) {
    auto const n =
        retry([&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (n < 0) throw_errno("write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

STRATA_INLINE void set_length(int fd, std::uint64_t size, fs::path const& path) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) throw_errno("truncate", path);
}

STRATA_INLINE void drop_cached(int fd) noexcept { ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

}  // namespace strata::sys
