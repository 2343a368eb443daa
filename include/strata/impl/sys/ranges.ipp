#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/ranges.hpp>

namespace strata::detail {

STRATA_INLINE std::uint64_t FdRanges::size() const {
  off_t const end = ::lseek(fd_, 0, SEEK_END);
  if (end < 0) sys::throw_errno("seek", path_);
  return static_cast<std::uint64_t>(end);
}

STRATA_INLINE void FdRanges::read(std::span<ByteRange const> ranges, RangeBytes const& to) {
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

STRATA_INLINE void MemoryRanges::read(std::span<ByteRange const> ranges, RangeBytes const& to) const {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].offset > bytes_.size() || bytes_.size() - ranges[i].offset < ranges[i].size)
      throw Error(Errc::corrupt_archive, "range behind byte " + std::to_string(bytes_.size()));
    to(i, as_bytes(bytes_).subspan(ranges[i].offset, ranges[i].size));
  }
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE Ranges file_ranges(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_RDONLY);
  int const number = fd.get();
  return detail::FdRanges(std::move(fd), number, path);
}

STRATA_INLINE Ranges fd_ranges(int fd) {
  return detail::FdRanges(sys::Fd(), fd, "descriptor " + std::to_string(fd));
}

}  // namespace strata
