#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// Shared parts of the decoders: input chunks, and output chunks where the caller passes no buffer.
namespace strata::codec::detail {

/// The input of a decoder, consumed step by step.
class Input {
 public:
  explicit Input(Source source) : source_(std::move(source)) {}

  /// The unread bytes of the current chunk, after fetching the next one if needed; empty at the end of the
  /// source.
  Bytes rest();
  void skip(std::size_t count) { rest_ = rest_.subspan(count); }

 private:
  Source source_;
  Bytes rest_;
  bool ended_ = false;
};

/// Makes a `FillingSource` of a `Filler`, which only has `fill`.
template <class Filler>
class Decoder {
 public:
  explicit Decoder(Filler filler) : filler_(std::move(filler)) {}

  std::size_t fill(std::span<std::byte> into) { return filler_.fill(into); }

  Bytes next() {
    constexpr std::size_t bytes = std::size_t{256} << 10;
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    return {buffer_.get(), filler_.fill({buffer_.get(), bytes})};
  }

 private:
  Filler filler_;
  std::unique_ptr<std::byte[]> buffer_;
};

/// Most bytes per call for libraries with 32-bit counters.
inline constexpr std::size_t most_at_once = std::size_t{1} << 30;

[[noreturn]] void throw_damaged(std::string_view format, std::string_view how);

}  // namespace strata::codec::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/codec/decoder.ipp>
#endif
