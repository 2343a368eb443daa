#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// The compression of a stream, numbered as in a layer record's `compression` field.
enum class Compression : int { none = 0, bzip2 = 1, gzip = 2, xz = 3, zstd = 4 };

}  // namespace strata

/// Compressed streams. A codec is a type; only programs that include its header need its library.
namespace strata::codec {

using strata::Compression;

/// Number of leading bytes needed to detect any compression.
inline constexpr std::size_t magic_bytes = 6;

/// Detects the compression from a stream's first bytes; unknown or too short is `none`. RFC 1952 2.3.1 (gzip,
/// with its only method, 8), RFC 8878 3.1.1 (zstd), "The .xz File Format" 2.1.1.1, "BZh" of bzip2.
Compression detect(Bytes first) noexcept;

/// The name of a compression: "none", "gzip" and so on.
constexpr std::string_view name(Compression compression) noexcept {
  constexpr std::array<std::string_view, 5> names{"none", "bzip2", "gzip", "xz", "zstd"};
  auto const index = static_cast<std::size_t>(compression);
  return index < names.size() ? names[index] : "unknown";
}

/// Limits of a decoder.
struct DecodeOptions {
  /// Bytes of history (window) that an input may require; `Errc::over_budget` beyond it. The default suffices
  /// for `zstd --long=29`, the most that Go's reader accepts. Other inputs do not pay for it: a decoder
  /// allocates what the input states, 8 MiB at the usual levels of zstd and xz, and only pages in use take
  /// memory.
  std::uint64_t max_memory = std::uint64_t{520} << 20;
};

/// Settings of an encoder.
struct EncodeOptions {
  int level = 0;         ///< see the codec's header; 0 is its default
  unsigned threads = 2;  ///< compression threads, in addition to the caller's
};

/// Compresses what is written to it into its sink, possibly from another thread. An exception of the sink is
/// rethrown by a later `write()` or `finish()`. Without `finish()` the output is truncated. Not safe for
/// concurrent use.
class Encoder : public Writer {
 public:
  /// Writes the remaining output; returns once the sink has received everything.
  virtual void finish() = 0;
};

/// Decodes one compression.
///
/// - `C::compression` which one
/// - `C::matches(first)` true if a stream that starts with these bytes, at most `magic_bytes`, is in this
///   format
/// - `C::decompress(in, options)` the decoded bytes, as a `FillingSource`. Concatenated streams are read as
///   one, as by the format's tools. `Errc::corrupt_archive` if the input is damaged, truncated, or followed
///   by other data
template <class C>
concept Codec = requires(Bytes first, Source in, DecodeOptions const& options) {
  { C::compression } -> std::convertible_to<Compression>;
  { C::matches(first) } -> std::same_as<bool>;
  { C::decompress(std::move(in), options) } -> std::same_as<Source>;
};

/// A codec that can also encode.
template <class C>
concept ProducingCodec = Codec<C> && requires(Sink out, EncodeOptions const& options) {
  { C::compress(std::move(out), options) } -> std::same_as<std::unique_ptr<Encoder>>;
};

/// The set of codecs that a program uses, chosen at compile time.
///
///     using Codecs = codec::List<codec::Gzip, codec::Zstd>;
///     Source plain = Codecs::decompress(Codecs::detect(first), std::move(in));
template <Codec... Codecs>
struct List {
  /// As `codec::detect`, and what the codecs of the list recognize.
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

  /// @throws `Errc::unsupported_compression` if no codec of the list decodes it
  static Source decompress(Compression compression, Source in, DecodeOptions const& options = {}) {
    if (compression == Compression::none) return in;
    Source out;
    static_cast<void>(
        ((Codecs::compression == compression && (out = Codecs::decompress(std::move(in), options), true)) ||
         ...));
    if (!out) throw Error(Errc::unsupported_compression, std::string(name(compression)));
    return out;
  }

  /// @throws `Errc::unsupported_compression` if no codec of the list encodes it
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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/codec/codec.ipp>
#endif
