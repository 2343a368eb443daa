#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {
namespace detail {

inline constexpr std::size_t stream_chunk = 256 * 1024;

/// Reads a descriptor, in chunks of up to 256 KiB into its own buffer or directly into the caller's.
class FdSource {
 public:
  FdSource(sys::Fd owned, int fd, fs::path path) : owned_(std::move(owned)), fd_(fd), path_(std::move(path)) {
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);  // a hint; it may fail, for example on pipes
  }

  Bytes next() {
    if (at_end_) return {};
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(stream_chunk);
    std::size_t const n = sys::read_some(fd_, buffer_.get(), stream_chunk, path_);
    at_end_ = n == 0;
    return {buffer_.get(), n};
  }

  std::size_t fill(std::span<std::byte> into) {
    if (at_end_ || into.empty()) return 0;
    std::size_t const n = sys::read_some(fd_, into.data(), into.size(), path_);
    at_end_ = n == 0;
    return n;
  }

  /// Of a regular file: what is behind its position now.
  std::optional<std::uint64_t> size() const {
    struct stat status {};
    auto const at = ::lseek(fd_, 0, SEEK_CUR);
    if (at < 0 || ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(std::max<off_t>(status.st_size - at, 0));
  }

 private:
  sys::Fd owned_;
  int fd_;
  fs::path path_;
  std::unique_ptr<std::byte[]> buffer_;  // allocated by the first `next()`
  bool at_end_ = false;
};

class FdSink {
 public:
  FdSink(sys::Fd owned, int fd, fs::path path) : owned_(std::move(owned)), fd_(fd), path_(std::move(path)) {}
  void write(Bytes bytes) { sys::write_all(fd_, bytes, path_); }

 private:
  sys::Fd owned_;
  int fd_;
  fs::path path_;
};

class MemorySource {
 public:
  explicit MemorySource(std::string text) : text_(std::make_unique<std::string>(std::move(text))) {}
  Bytes next() {
    auto const rest = as_bytes(*text_).subspan(at_);
    at_ = text_->size();
    return rest;
  }

  std::size_t fill(std::span<std::byte> into) {
    auto const part = as_bytes(*text_).subspan(at_, std::min(into.size(), text_->size() - at_));
    std::ranges::copy(part, into.begin());
    at_ += part.size();
    return part.size();
  }

  std::optional<std::uint64_t> size() const { return text_->size() - at_; }

 private:
  std::unique_ptr<std::string> text_;  // on the heap, so that chunks stay valid when the source is moved
  std::size_t at_ = 0;
};

class StringSink {
 public:
  explicit StringSink(std::string& to) : to_(&to) {}
  void write(Bytes bytes) { to_->append(as_text(bytes)); }

 private:
  std::string* to_;
};

inline std::string descriptor_name(int fd) { return "descriptor " + std::to_string(fd); }

}  // namespace detail

/// Reads a file.
/// @throws `errno`, "open <path>"; while reading, "read <path>"
[[nodiscard]] inline Source file_source(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_RDONLY);
  int const number = fd.get();
  return detail::FdSource(std::move(fd), number, path);
}

/// Reads a file of a store; does not block on a FIFO in its place.
/// @throws as `sys::open_stored`; ENOENT; while reading, `errno`, "read <path>"
[[nodiscard]] inline Source stored_source(fs::path const& path) {
  auto fd = sys::open_stored(path);
  if (!fd) {
    errno = ENOENT;
    sys::throw_errno("open", path);
  }
  int const number = fd->get();
  return detail::FdSource(std::move(*fd), number, path);
}

/// Reads a descriptor that the caller keeps open, from its current position; pipes are allowed.
[[nodiscard]] inline Source fd_source(int fd) {
  return detail::FdSource(sys::Fd(), fd, detail::descriptor_name(fd));
}

/// As above, but owns the descriptor.
[[nodiscard]] inline Source fd_source(sys::Fd fd) {
  int const number = fd.get();
  return detail::FdSource(std::move(fd), number, detail::descriptor_name(number));
}

/// Reads a string, in one chunk.
[[nodiscard]] inline Source memory_source(std::string text) { return detail::MemorySource(std::move(text)); }

/// Writes a file, which is truncated or created with mode 0666 less the umask.
/// @throws `errno`, "open <path>"; while writing, "write <path>"
[[nodiscard]] inline Sink file_sink(fs::path const& path) {
  sys::Fd fd = sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  int const number = fd.get();
  return detail::FdSink(std::move(fd), number, path);
}

/// Writes to a descriptor that the caller keeps open.
[[nodiscard]] inline Sink fd_sink(int fd) {
  return detail::FdSink(sys::Fd(), fd, detail::descriptor_name(fd));
}

/// Appends to a string, which must outlive the sink.
[[nodiscard]] inline Sink string_sink(std::string& to) { return detail::StringSink(to); }

}  // namespace strata
