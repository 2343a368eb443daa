#pragma once

#include <strata/concepts/bytes.hpp>

#include <cstddef>
#include <cstring>
#include <memory>

namespace strata::archive {

/// Combines small writes and passes large ones through, so that a pipe or file sees few calls. Buffered bytes
/// are lost unless `flush()` is called. Not safe for concurrent use.
class GatheringWriter final : public Writer {
 public:
  static constexpr std::size_t capacity = 64U * 1024;

  explicit GatheringWriter(Writer& out)
      : out_(out), buffer_(std::make_unique_for_overwrite<std::byte[]>(capacity)) {}

  void write(Bytes bytes) override {
    if (bytes.size() > capacity - used_) {
      flush();
      if (bytes.size() > capacity / 4) return out_.write(bytes);
    }
    if (!bytes.empty()) std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }

  /// A buffer for `size` bytes, at most `capacity`; fill it, then call `advance()`.
  std::byte* room(std::size_t size) {
    if (size > capacity - used_) flush();
    return buffer_.get() + used_;
  }
  void advance(std::size_t size) noexcept { used_ += size; }

  void zeros(std::size_t size) {
    std::memset(room(size), 0, size);
    advance(size);
  }

  void flush() {
    auto const size = used_;
    used_ = 0;
    if (size != 0) out_.write({buffer_.get(), size});
  }

 private:
  Writer& out_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0;
};

}  // namespace strata::archive
