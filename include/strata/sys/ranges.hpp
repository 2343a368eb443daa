#pragma once

#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {
namespace detail {

/// Byte ranges of a regular file or block device.
class FdRanges {
 public:
  FdRanges(sys::Fd owned, int fd, fs::path path)
      : owned_(std::move(owned)), fd_(fd), path_(std::move(path)) {}

  std::uint64_t size() const {
    off_t const end = ::lseek(fd_, 0, SEEK_END);
    if (end < 0) sys::throw_errno("seek", path_);
    return static_cast<std::uint64_t>(end);
  }

  /// @throws `errno`, "read <path>"; `Errc::corrupt_archive`: a range extends beyond the end of the file
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) {
    constexpr std::size_t piece = 256 * 1024;
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(piece);
    for (std::size_t i = 0; i < ranges.size(); ++i)
      for (auto left = ranges[i]; left.size != 0;) {
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left.size, piece));
        auto const n =
            sys::retry([&] { return ::pread(fd_, buffer_.get(), wanted, static_cast<off_t>(left.offset)); });
        if (n < 0) sys::throw_errno("read", path_);
        if (n == 0)
          throw Error(Errc::corrupt_archive, path_.native() + " ends at byte " + std::to_string(left.offset));
        to(i, Bytes(buffer_.get(), static_cast<std::size_t>(n)));
        left.offset += static_cast<std::uint64_t>(n);
        left.size -= static_cast<std::uint64_t>(n);
      }
  }

 private:
  sys::Fd owned_;
  int fd_;
  fs::path path_;
  std::unique_ptr<std::byte[]> buffer_ = {};
};

class MemoryRanges {
 public:
  explicit MemoryRanges(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const noexcept { return bytes_.size(); }
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) const {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      if (ranges[i].offset > bytes_.size() || bytes_.size() - ranges[i].offset < ranges[i].size)
        throw Error(Errc::corrupt_archive, "range behind byte " + std::to_string(bytes_.size()));
      to(i, as_bytes(bytes_).subspan(ranges[i].offset, ranges[i].size));
    }
  }

 private:
  std::string bytes_;
};

}  // namespace detail

/// Reads byte ranges of a file.
/// @throws `errno`, "open <path>"
inline Ranges file_ranges(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_RDONLY);
  int const number = fd.get();
  return detail::FdRanges(std::move(fd), number, path);
}

/// Reads byte ranges through a descriptor that the caller keeps open: a regular file or a block device.
inline Ranges fd_ranges(int fd) {
  return detail::FdRanges(sys::Fd(), fd, "descriptor " + std::to_string(fd));
}

/// Reads byte ranges of a string.
inline Ranges memory_ranges(std::string bytes) { return detail::MemoryRanges(std::move(bytes)); }

}  // namespace strata
