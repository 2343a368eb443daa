#pragma once

#include <strata/codec/codec.hpp>
#include <strata/codec/decoder.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <zstd.h>
#include <zstd_errors.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strata::codec {

namespace detail {

/// Decodes the concatenated frames and skippable frames of a zstd file (RFC 8878).
class ZstdFiller {
 public:
  ZstdFiller(Source in, std::uint64_t max_memory);

  std::size_t fill(std::span<std::byte> into);

 private:
  [[noreturn]] static void fail(std::size_t result);

  struct Free {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };
  Input in_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool between_frames_ = true;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder(Sink out, int level, unsigned threads);

  void write(Bytes bytes) override;

  void finish() override;

 private:
  void set(ZSTD_cParameter parameter, int value);

  std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive);

  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  };
  Sink out_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::vector<std::byte> buffer_;
};

}  // namespace detail

/// zstd with libzstd. Levels as in the `zstd` program, default 3. The output is one frame with a checksum.
struct Zstd {
  static constexpr auto compression = Compression::zstd;

  static bool matches(Bytes first) noexcept { return detect(first) == compression; }

  static Source decompress(Source in, DecodeOptions const& options = {});

  /// Calls the sink on the thread that calls `write()` and `finish()`.
  static std::unique_ptr<Encoder> compress(Sink out, EncodeOptions const& options = {});
};
static_assert(ProducingCodec<Zstd>);

}  // namespace strata::codec

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/codec/zstd.ipp>
#endif
