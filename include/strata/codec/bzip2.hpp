#pragma once

#include <strata/codec/codec.hpp>
#include <strata/codec/decoder.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <bzlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace strata::codec {

namespace detail {

/// Decodes the concatenated streams of a bzip2 file. Needs at most 4 MB.
class Bzip2Filler {
 public:
  explicit Bzip2Filler(Source in) : in_(std::move(in)) {}

  std::size_t fill(std::span<std::byte> into) {
    std::size_t done = 0;
    while (done < into.size()) {
      if (!stream_) {
        if (in_.rest().empty()) break;
        stream_ = begin();
      }
      done += decode(into.subspan(done));
    }
    return done;
  }

 private:
  struct Free {
    void operator()(bz_stream* stream) const noexcept {
      BZ2_bzDecompressEnd(stream);
      delete stream;
    }
  };
  using Stream = std::unique_ptr<bz_stream, Free>;

  static Stream begin() {
    Stream stream(new bz_stream{});
    if (BZ2_bzDecompressInit(stream.get(), 0, 0) != BZ_OK) throw std::bad_alloc();
    return stream;
  }

  std::size_t decode(std::span<std::byte> into) {
    auto const rest = in_.rest().first(std::min(in_.rest().size(), most_at_once));
    into = into.first(std::min(into.size(), most_at_once));
    // libbz2 takes its input as a pointer to non-const but does not write to it.
    stream_->next_in = const_cast<char*>(reinterpret_cast<char const*>(rest.data()));
    stream_->avail_in = static_cast<unsigned>(rest.size());
    stream_->next_out = reinterpret_cast<char*>(into.data());
    stream_->avail_out = static_cast<unsigned>(into.size());
    auto const result = BZ2_bzDecompress(stream_.get());
    in_.skip(rest.size() - stream_->avail_in);
    auto const produced = into.size() - stream_->avail_out;
    switch (result) {
      case BZ_OK:
        if (rest.empty() && produced == 0) throw_damaged("bzip2", "unexpected EOF");
        break;
      case BZ_STREAM_END:
        stream_.reset();
        break;
      case BZ_MEM_ERROR:
        throw std::bad_alloc();
      case BZ_DATA_ERROR_MAGIC:
        throw_damaged("bzip2", "followed by something else");
      default:
        throw_damaged("bzip2", "broken data or wrong check sum");
    }
    return produced;
  }

  Input in_;
  Stream stream_;  // the current stream; null between two streams
};

}  // namespace detail

/// Decodes bzip2 with libbz2; there is no encoder.
struct Bzip2 {
  static constexpr auto compression = Compression::bzip2;

  static bool matches(Bytes first) noexcept { return detect(first) == compression; }

  /// Decodes bzip2. `max_memory` is ignored: the format needs at most 4 MB.
  static Source decompress(Source in, DecodeOptions const& = {}) {
    return detail::Decoder(detail::Bzip2Filler(std::move(in)));
  }
};
static_assert(Codec<Bzip2> && !ProducingCodec<Bzip2>);

}  // namespace strata::codec
