#pragma once

#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

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

  std::uint64_t size() const;

  /// @throws `errno`, "read <path>"; `Errc::corrupt_archive`: a range extends beyond the end of the file
  void read(std::span<ByteRange const> ranges, RangeBytes const& to);

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
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) const;

 private:
  std::string bytes_;
};

}  // namespace detail

/// Reads byte ranges of a file.
/// @throws `errno`, "open <path>"
Ranges file_ranges(fs::path const& path);

/// Reads byte ranges through a descriptor that the caller keeps open: a regular file or a block device.
Ranges fd_ranges(int fd);

/// Reads byte ranges of a string.
inline Ranges memory_ranges(std::string bytes) { return detail::MemoryRanges(std::move(bytes)); }

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/ranges.ipp>
#endif
