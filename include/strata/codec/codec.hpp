#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// How a stream is compressed, as numbered in a layer's record (`compression`).
enum class Compression : int { none = 0, bzip2 = 1, gzip = 2, xz = 3, zstd = 4 };

}  // namespace strata

/// Compressed streams. A codec is a type; including its header is what makes a program need its library.
namespace strata::codec {

using strata::Compression;

/// As many of a stream's first bytes as telling its compression may need.
inline constexpr std::size_t magic_bytes = 6;

/// The compression that a stream's first bytes show; anything unknown or too short is `none`. RFC 1952 2.3.1
/// (gzip, with the only method, 8), RFC 8878 3.1.1 (zstd), "The .xz File Format" 2.1.1.1, "BZh" of bzip2.
inline Compression detect(Bytes first) noexcept {
  auto const starts = [&](std::string_view magic) { return as_text(first).starts_with(magic); };
  if (starts("\x1f\x8b\x08")) return Compression::gzip;
  if (starts("\x28\xb5\x2f\xfd")) return Compression::zstd;
  if (starts("BZh")) return Compression::bzip2;
  if (starts({"\xfd"
              "7zXZ\0",
              6}))
    return Compression::xz;
  return Compression::none;
}

/// The word for it: "none", "gzip" and so on.
constexpr std::string_view name(Compression compression) noexcept {
  constexpr std::array<std::string_view, 5> names{"none", "bzip2", "gzip", "xz", "zstd"};
  auto const index = static_cast<std::size_t>(compression);
  return index < names.size() ? names[index] : "unknown";
}

/// Limits of a decoder.
struct DecodeOptions {
  /// Bytes of history that an input may make the decoder keep; above it, `Errc::over_budget`. The default is what
  /// `zstd --long=29` needs, the most that Go's reader takes. It is no cost of other inputs: a decoder keeps as much as the
  /// input says, 8 MiB at the usual levels of zstd and xz, and of that only what is used takes memory.
  std::uint64_t max_memory = std::uint64_t{520} << 20;
};

/// How an encoder works.
struct EncodeOptions {
  int level = 0;         ///< as the codec's header says; 0 is the codec's default
  unsigned threads = 2;  ///< that compress, besides the caller's
};

/// Takes plain bytes and writes the compressed ones to the sink it was made with, perhaps from another
/// thread. What the sink throws, a later `write()` or `finish()` throws. Destruction without `finish()`
/// leaves the output cut off.
class Encoder : public Writer {
 public:
  /// Returns when the sink has got everything.
  virtual void finish() = 0;
};

/// Reads one compression.
///
/// - `C::compression`           which one
/// - `C::matches(first)`        whether a stream that starts with these bytes, `magic_bytes` or fewer, is such a one
/// - `C::decompress(in, options)`  the plain bytes; a `FillingSource`. Concatenated streams count as one, as their tools
///                              have it. `Errc::corrupt_archive` when the input is damaged, cut off, or followed by
///                              something else
template <class C>
concept Codec = requires(Bytes first, Source in, DecodeOptions const& options) {
  { C::compression } -> std::convertible_to<Compression>;
  { C::matches(first) } -> std::same_as<bool>;
  { C::decompress(std::move(in), options) } -> std::same_as<Source>;
};

/// A codec that also produces its compression.
template <class C>
concept ProducingCodec = Codec<C> && requires(Sink out, EncodeOptions const& options) {
  { C::compress(std::move(out), options) } -> std::same_as<std::unique_ptr<Encoder>>;
};

/// The codecs that a program is composed with.
template <Codec... Codecs>
struct List {
  /// As `codec::detect`, with what the list's own codecs recognise.
  static Compression detect(Bytes first) {
    auto found = codec::detect(first);
    static_cast<void>(((Codecs::matches(first) && (found = Codecs::compression, true)) || ...));
    return found;
  }

  static constexpr bool reads(Compression compression) {
    return compression == Compression::none || ((Codecs::compression == compression) || ...);
  }

  static constexpr bool produces(Compression compression) {
    return compression == Compression::none ||
           ((Codecs::compression == compression && ProducingCodec<Codecs>) || ...);
  }

  /// @throws `Errc::unsupported_compression`: no codec of the list reads it
  static Source decompress(Compression compression, Source in, DecodeOptions const& options = {}) {
    if (compression == Compression::none) return in;
    Source out;
    static_cast<void>(
        ((Codecs::compression == compression && (out = Codecs::decompress(std::move(in), options), true)) ||
         ...));
    if (!out) throw Error(Errc::unsupported_compression, std::string(name(compression)));
    return out;
  }

  /// @throws `Errc::unsupported_compression`: no codec of the list produces it
  static std::unique_ptr<Encoder> compress(Compression compression, Sink out,
                                           EncodeOptions const& options = {}) {
    if (compression == Compression::none) return std::make_unique<Plain>(std::move(out));
    std::unique_ptr<Encoder> encoder;
    [[maybe_unused]] auto const attempt = [&]<class C>() {
      if constexpr (ProducingCodec<C>)
        if (C::compression == compression) encoder = C::compress(std::move(out), options);
      return encoder != nullptr;
    };
    static_cast<void>((attempt.template operator()<Codecs>() || ...));
    if (!encoder) throw Error(Errc::unsupported_compression, std::string(name(compression)));
    return encoder;
  }

 private:
  struct Plain final : Encoder {
    explicit Plain(Sink out) : out_(std::move(out)) {}
    void write(Bytes bytes) override { out_.write(bytes); }
    void finish() override {}
    Sink out_;
  };
};

}  // namespace strata::codec
