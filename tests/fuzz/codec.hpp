#pragma once

#include <strata/codec/codec.hpp>
#include <strata/sys/stream.hpp>

#include "fuzz.hpp"

/// What the targets of the codecs share.
namespace fuzz {

/// Of the plain bytes no more than this is looked at: a few bytes may stand for as many zeros as one likes.
inline constexpr std::size_t most_plain = 1 << 18;
inline constexpr strata::codec::DecodeOptions little_memory{.max_memory = 8 << 20};

struct Plain {
  std::string bytes = {};
  std::error_code error = {};
  bool operator==(Plain const&) const = default;
};

/// @param chunk  of the compressed bytes; the plain ones are asked for in pieces of that size, too, if `fill`
template <strata::codec::Codec C>
Plain decompress(std::string_view packed, std::size_t chunk, bool fill) {
  struct In {
    std::unique_ptr<Chunks> chunks;
    strata::Bytes next() { return chunks->next(); }
  };
  Plain out;
  strata::Source plain =
      C::decompress(strata::Source(In{std::make_unique<Chunks>(packed, chunk)}), little_memory);
  std::string room(std::min<std::size_t>(chunk, 65536), '\0');
  out.error = outcome(
      {strata::Errc::corrupt_archive, strata::Errc::over_budget, strata::Errc::unsupported_compression}, [&] {
        while (out.bytes.size() < most_plain) {
          auto const part =
              fill ? strata::as_bytes(room).first(plain.fill(std::as_writable_bytes(std::span(room))))
                   : plain.next();
          if (part.empty()) break;
          out.bytes += strata::as_text(part);
        }
      });
  if (out.bytes.size() > most_plain) out.bytes.resize(most_plain);
  return out;
}

/// How the bytes are cut and asked for must not matter. What came before an error may be less where more is asked for at
/// once. @return what comes of them
template <strata::codec::Codec C>
Plain check_decompression(std::string_view packed, std::size_t chunk) {
  auto const whole = decompress<C>(packed, 1 << 20, false);
  auto const pieces = decompress<C>(packed, chunk, true);
  require(
      whole.error == pieces.error || whole.bytes.size() == most_plain || pieces.bytes.size() == most_plain,
      "the same error whatever the chunks");
  auto const common = std::min(whole.bytes.size(), pieces.bytes.size());
  require(whole.bytes.compare(0, common, pieces.bytes, 0, common) == 0, "the same bytes");
  require(whole.error || pieces.error || whole.bytes == pieces.bytes, "all of the bytes");
  return whole;
}

template <strata::codec::ProducingCodec C>
void check_round_trip(std::string_view plain, std::size_t chunk,
                      strata::codec::EncodeOptions const& options) {
  std::string packed;
  {
    auto const encoder = C::compress(strata::string_sink(packed), options);
    Chunks in(plain, chunk);
    for (auto part = in.next(); !part.empty(); part = in.next()) encoder->write(part);
    encoder->finish();
  }
  require(strata::codec::detect(strata::as_bytes(packed)) == C::compression, "its magic number");
  auto const back = check_decompression<C>(packed, chunk);
  require(!back.error && back.bytes == plain, "what was compressed comes back");
}

}  // namespace fuzz
