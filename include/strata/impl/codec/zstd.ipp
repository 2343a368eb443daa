#pragma once

#include <strata/codec/zstd.hpp>

#include <algorithm>

namespace strata::codec::detail {

STRATA_INLINE ZstdFiller::ZstdFiller(Source in, std::uint64_t max_memory)
    : in_(std::move(in)), context_(ZSTD_createDCtx()) {
  if (!context_) throw std::bad_alloc();
  auto const log = std::clamp(static_cast<int>(std::bit_width(max_memory)) - 1, 10, 31);
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, log);
}

STRATA_INLINE std::size_t ZstdFiller::fill(std::span<std::byte> into) {
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

STRATA_INLINE void ZstdFiller::fail(std::size_t result) {
  if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
    throw Error(Errc::over_budget, "memory to read a zstd stream");
  throw_damaged("zstd", ZSTD_getErrorName(result));
}

STRATA_INLINE ZstdEncoder::ZstdEncoder(Sink out, int level, unsigned threads)
    : out_(std::move(out)), context_(ZSTD_createCCtx()), buffer_(ZSTD_CStreamOutSize()) {
  if (!context_) throw std::bad_alloc();
  set(ZSTD_c_compressionLevel, level);
  set(ZSTD_c_checksumFlag, 1);
  // Fails in a library built without threads; the output is then the same, but slower.
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(threads));
}

STRATA_INLINE void ZstdEncoder::write(Bytes bytes) {
  for (ZSTD_inBuffer in{bytes.data(), bytes.size(), 0}; in.pos < in.size;) step(in, ZSTD_e_continue);
}

STRATA_INLINE void ZstdEncoder::finish() {
  ZSTD_inBuffer in{nullptr, 0, 0};
  while (step(in, ZSTD_e_end) != 0) {
  }
}

STRATA_INLINE void ZstdEncoder::set(ZSTD_cParameter parameter, int value) {
  auto const result = ZSTD_CCtx_setParameter(context_.get(), parameter, value);
  if (ZSTD_isError(result)) throw Error(Errc::unsupported, std::string("zstd: ") + ZSTD_getErrorName(result));
}

STRATA_INLINE std::size_t ZstdEncoder::step(ZSTD_inBuffer& in, ZSTD_EndDirective directive) {
  ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
  auto const left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
  if (ZSTD_isError(left)) throw Error(Errc::unsupported, std::string("zstd: ") + ZSTD_getErrorName(left));
  if (out.pos != 0) out_.write(Bytes(buffer_).first(out.pos));
  return left;
}

}  // namespace strata::codec::detail

namespace strata::codec {

STRATA_INLINE Source Zstd::decompress(Source in, DecodeOptions const& options) {
  return detail::Decoder(detail::ZstdFiller(std::move(in), options.max_memory));
}

STRATA_INLINE std::unique_ptr<Encoder> Zstd::compress(Sink out, EncodeOptions const& options) {
  return std::make_unique<detail::ZstdEncoder>(std::move(out), options.level == 0 ? 3 : options.level,
                                               options.threads);
}

}  // namespace strata::codec
