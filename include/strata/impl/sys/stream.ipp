#pragma once

#include <strata/sys/stream.hpp>

#include <algorithm>

namespace strata::detail {

STRATA_INLINE FdSource::FdSource(sys::Fd owned, int fd, fs::path path)
    : owned_(std::move(owned)), fd_(fd), path_(std::move(path)) {
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);  // a hint; it may fail, for example on pipes
}

STRATA_INLINE Bytes FdSource::next() {
  if (at_end_) return {};
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(stream_chunk);
  std::size_t const n = sys::read_some(fd_, buffer_.get(), stream_chunk, path_);
  at_end_ = n == 0;
  return {buffer_.get(), n};
}

STRATA_INLINE std::size_t FdSource::fill(std::span<std::byte> into) {
  if (at_end_ || into.empty()) return 0;
  std::size_t const n = sys::read_some(fd_, into.data(), into.size(), path_);
  at_end_ = n == 0;
  return n;
}

STRATA_INLINE std::optional<std::uint64_t> FdSource::size() const {
  struct stat status {};
  auto const at = ::lseek(fd_, 0, SEEK_CUR);
  if (at < 0 || ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(std::max<off_t>(status.st_size - at, 0));
}

STRATA_INLINE Bytes MemorySource::next() {
  auto const rest = as_bytes(*text_).subspan(at_);
  at_ = text_->size();
  return rest;
}

STRATA_INLINE std::size_t MemorySource::fill(std::span<std::byte> into) {
  auto const part = as_bytes(*text_).subspan(at_, std::min(into.size(), text_->size() - at_));
  std::ranges::copy(part, into.begin());
  at_ += part.size();
  return part.size();
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE Source file_source(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_RDONLY);
  int const number = fd.get();
  return detail::FdSource(std::move(fd), number, path);
}

STRATA_INLINE Source stored_source(fs::path const& path) {
  auto fd = sys::open_stored(path);
  if (!fd) {
    errno = ENOENT;
    sys::throw_errno("open", path);
  }
  int const number = fd->get();
  return detail::FdSource(std::move(*fd), number, path);
}

STRATA_INLINE Source fd_source(int fd) {
  return detail::FdSource(sys::Fd(), fd, detail::descriptor_name(fd));
}

STRATA_INLINE Source fd_source(sys::Fd fd) {
  int const number = fd.get();
  return detail::FdSource(std::move(fd), number, detail::descriptor_name(number));
}

STRATA_INLINE Sink file_sink(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  int const number = fd.get();
  return detail::FdSink(std::move(fd), number, path);
}

STRATA_INLINE Sink fd_sink(int fd) { return detail::FdSink(sys::Fd(), fd, detail::descriptor_name(fd)); }

}  // namespace strata
