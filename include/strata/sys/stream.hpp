#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

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
  FdSource(sys::Fd owned, int fd, fs::path path);

  Bytes next();

  std::size_t fill(std::span<std::byte> into);

  /// Of a regular file: what is behind its position now.
  std::optional<std::uint64_t> size() const;

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
  Bytes next();

  std::size_t fill(std::span<std::byte> into);

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
[[nodiscard]] Source file_source(fs::path const& path);

/// Reads a file of a store; does not block on a FIFO in its place.
/// @throws as `sys::open_stored`; ENOENT; while reading, `errno`, "read <path>"
[[nodiscard]] Source stored_source(fs::path const& path);

/// Reads a descriptor that the caller keeps open, from its current position; pipes are allowed.
[[nodiscard]] Source fd_source(int fd);

/// As above, but owns the descriptor.
[[nodiscard]] Source fd_source(sys::Fd fd);

/// Reads a string, in one chunk.
[[nodiscard]] inline Source memory_source(std::string text) { return detail::MemorySource(std::move(text)); }

/// Writes a file, which is truncated or created with mode 0666 less the umask.
/// @throws `errno`, "open <path>"; while writing, "write <path>"
[[nodiscard]] Sink file_sink(fs::path const& path);

/// Writes to a descriptor that the caller keeps open.
[[nodiscard]] Sink fd_sink(int fd);

/// Appends to a string, which must outlive the sink.
[[nodiscard]] inline Sink string_sink(std::string& to) { return detail::StringSink(to); }

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/stream.ipp>
#endif
