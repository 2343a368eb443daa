#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

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

  void write(Bytes bytes) override;

  /// A buffer for `size` bytes, at most `capacity`; fill it, then call `advance()`.
  std::byte* room(std::size_t size);
  void advance(std::size_t size) noexcept { used_ += size; }

  void zeros(std::size_t size);

  void flush();

 private:
  Writer& out_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/gathering_writer.ipp>
#endif
