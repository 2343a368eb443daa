#pragma once

#include <strata/codec/codec.hpp>
#include <strata/codec/decoder.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <lzma.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace strata::codec {

namespace detail {

/// Decodes the streams of an .xz file and the padding between them.
class XzFiller {
 public:
  XzFiller(Source in, std::uint64_t max_memory)
      : in_(std::move(in)), stream_(new lzma_stream LZMA_STREAM_INIT) {
    if (lzma_stream_decoder(stream_.get(), max_memory, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }

  std::size_t fill(std::span<std::byte> into) {
    stream_->next_out = reinterpret_cast<std::uint8_t*>(into.data());
    stream_->avail_out = into.size();
    while (!ended_ && stream_->avail_out != 0) {
      auto const rest = in_.rest();
      stream_->next_in = reinterpret_cast<std::uint8_t const*>(rest.data());
      stream_->avail_in = rest.size();
      // LZMA_FINISH tells the decoder that the end of the input is the end of the file.
      auto const result = lzma_code(stream_.get(), rest.empty() ? LZMA_FINISH : LZMA_RUN);
      in_.skip(rest.size() - stream_->avail_in);
      ended_ = result == LZMA_STREAM_END;
      if (result != LZMA_OK && !ended_) fail(result);
    }
    return into.size() - stream_->avail_out;
  }

 private:
  [[noreturn]] static void fail(lzma_ret result) {
    switch (result) {
      case LZMA_MEM_ERROR:
        throw std::bad_alloc();
      case LZMA_MEMLIMIT_ERROR:
        throw Error(Errc::over_budget, "memory to read an xz stream");
      case LZMA_OPTIONS_ERROR:
        throw Error(Errc::unsupported_compression, "xz stream with an unknown filter");
      case LZMA_BUF_ERROR:
        throw_damaged("xz", "unexpected EOF");
      case LZMA_FORMAT_ERROR:
        throw_damaged("xz", "followed by something else");
      default:
        throw_damaged("xz", "broken data or wrong check sum");
    }
  }

  struct Free {
    void operator()(lzma_stream* stream) const noexcept {
      lzma_end(stream);
      delete stream;
    }
  };
  Input in_;
  std::unique_ptr<lzma_stream, Free> stream_;
  bool ended_ = false;
};

}  // namespace detail

/// Decodes xz with liblzma; there is no encoder.
struct Xz {
  static constexpr auto compression = Compression::xz;

  static bool matches(Bytes first) noexcept { return detect(first) == compression; }

  static Source decompress(Source in, DecodeOptions const& options = {}) {
    return detail::Decoder(detail::XzFiller(std::move(in), options.max_memory));
  }
};
static_assert(Codec<Xz> && !ProducingCodec<Xz>);

}  // namespace strata::codec
