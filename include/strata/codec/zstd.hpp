#pragma once

#include <strata/codec/codec.hpp>
#include <strata/codec/decoder.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
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
  ZstdFiller(Source in, std::uint64_t max_memory) : in_(std::move(in)), context_(ZSTD_createDCtx()) {
    if (!context_) throw std::bad_alloc();
    auto const log = std::clamp(static_cast<int>(std::bit_width(max_memory)) - 1, 10, 31);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, log);
  }

  std::size_t fill(std::span<std::byte> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      auto const rest = in_.rest();
      if (rest.empty() && between_frames_) break;
      ZSTD_inBuffer in{rest.data(), rest.size(), 0};
      auto const before = out.pos;
      auto const result = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(result)) fail(result);
      between_frames_ = result == 0;
      in_.skip(in.pos);
      if (rest.empty() && out.pos == before && !between_frames_) throw_damaged("zstd", "unexpected EOF");
    }
    return out.pos;
  }

 private:
  [[noreturn]] static void fail(std::size_t result) {
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
      throw Error(Errc::over_budget, "memory to read a zstd stream");
    throw_damaged("zstd", ZSTD_getErrorName(result));
  }

  struct Free {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };
  Input in_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool between_frames_ = true;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder(Sink out, int level, unsigned threads)
      : out_(std::move(out)), context_(ZSTD_createCCtx()), buffer_(ZSTD_CStreamOutSize()) {
    if (!context_) throw std::bad_alloc();
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
    // Fails in a library built without threads; the output is then the same, but slower.
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(threads));
  }

  void write(Bytes bytes) override {
    for (ZSTD_inBuffer in{bytes.data(), bytes.size(), 0}; in.pos < in.size;) step(in, ZSTD_e_continue);
  }

  void finish() override {
    ZSTD_inBuffer in{nullptr, 0, 0};
    while (step(in, ZSTD_e_end) != 0) {
    }
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    auto const result = ZSTD_CCtx_setParameter(context_.get(), parameter, value);
    if (ZSTD_isError(result))
      throw Error(Errc::unsupported, std::string("zstd: ") + ZSTD_getErrorName(result));
  }

  std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    auto const left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
    if (ZSTD_isError(left)) throw Error(Errc::unsupported, std::string("zstd: ") + ZSTD_getErrorName(left));
    if (out.pos != 0) out_.write(Bytes(buffer_).first(out.pos));
    return left;
  }

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

  static Source decompress(Source in, DecodeOptions const& options = {}) {
    return detail::Decoder(detail::ZstdFiller(std::move(in), options.max_memory));
  }

  /// Calls the sink on the thread that calls `write()` and `finish()`.
  static std::unique_ptr<Encoder> compress(Sink out, EncodeOptions const& options = {}) {
    return std::make_unique<detail::ZstdEncoder>(std::move(out), options.level == 0 ? 3 : options.level,
                                                 options.threads);
  }
};
static_assert(ProducingCodec<Zstd>);

}  // namespace strata::codec
