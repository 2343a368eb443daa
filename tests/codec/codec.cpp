#include <strata/codec/codec.hpp>

#if defined(LZMA_VERSION) || defined(ZSTD_VERSION_NUMBER) || defined(ISAL_DEF_HIST_SIZE) || defined(BZ_OK)
#error "codec.hpp needs a third party's library"
#endif

#include <strata/codec/all.hpp>

#include "tools.hpp"

using namespace strata;

TEST_CASE("a stream's first bytes tell its compression", "[codec]") {
  auto const detect = [](std::string_view text) { return codec::detect(as_bytes(text)); };
  CHECK(detect({"\x1f\x8b\x08\0\0\0", 6}) == Compression::gzip);
  CHECK(detect("\x1f\x8b\x08") == Compression::gzip);
  CHECK(detect("\x28\xb5\x2f\xfd") == Compression::zstd);
  CHECK(detect("BZh9") == Compression::bzip2);
  CHECK(detect({"\xfd\x37\x7a\x58\x5a\0", 6}) == Compression::xz);
  for (std::string_view const text :
       {"", "\x1f", "\x1f\x8b", "\x28\xb5\x2f", "BZ", "\xfd\x37\x7a\x58\x5a", "tar", "PK\3\4"})
    CHECK(detect(text) == Compression::none);
}

TEST_CASE("compressions are numbered as in a layer's record", "[codec]") {
  CHECK(static_cast<int>(Compression::none) == 0);
  CHECK(static_cast<int>(Compression::bzip2) == 1);
  CHECK(static_cast<int>(Compression::gzip) == 2);
  CHECK(static_cast<int>(Compression::xz) == 3);
  CHECK(static_cast<int>(Compression::zstd) == 4);
  CHECK(codec::name(Compression::zstd) == "zstd");
  CHECK(codec::name(static_cast<Compression>(77)) == "unknown");
}

TEST_CASE("a list reads and produces what its codecs do", "[codec]") {
  using Two = codec::List<codec::Gzip, codec::Xz>;
  static_assert(Two::reads(Compression::xz) && !Two::produces(Compression::xz));
  static_assert(Two::reads(Compression::gzip) && Two::produces(Compression::gzip));
  static_assert(Two::reads(Compression::none) && Two::produces(Compression::none));
  static_assert(!Two::reads(Compression::zstd) && !Two::produces(Compression::zstd));
  using None = codec::List<>;
  static_assert(None::reads(Compression::none) && !None::reads(Compression::gzip));

  std::string out;
  auto const compress = [&](Compression which) { Two::compress(which, tools::StringSink{&out}); };
  CHECK(tools::error_of([&] { compress(Compression::xz); }) == Errc::unsupported_compression);
  CHECK(tools::error_of([&] { compress(Compression::zstd); }) == Errc::unsupported_compression);
  CHECK(tools::error_of([&] { Two::decompress(Compression::zstd, tools::Chunks("", 1)); }) ==
        Errc::unsupported_compression);
  CHECK(None::detect(as_bytes("BZh9")) == Compression::bzip2);

  auto const plain = Two::compress(Compression::none, tools::StringSink{&out});
  plain->write(as_bytes("as it is"));
  plain->finish();
  CHECK(out == "as it is");
  auto unchanged = Two::decompress(Compression::none, tools::Chunks(out, 3));
  CHECK(tools::drain(unchanged) == out);

  out.clear();
  auto const gzip = codec::All::compress(Compression::gzip, tools::StringSink{&out});
  gzip->write(as_bytes("packed"));
  gzip->finish();
  auto unpacked = codec::All::decompress(Compression::gzip, tools::Chunks(out, 3));
  CHECK(tools::drain(unpacked) == "packed");
}

namespace {
/// Reads what begins with "rot": each byte moved by one.
struct Rotated {
  static constexpr auto compression = static_cast<Compression>(9);
  static bool matches(Bytes first) { return as_text(first).starts_with("rot"); }
  static Source decompress(Source in, codec::DecodeOptions const&) { return in; }
};
}  // namespace

TEST_CASE("a list knows the magic of a program's own codec", "[codec]") {
  using Own = codec::List<Rotated, codec::Zstd>;
  CHECK(Own::detect(as_bytes("rot13")) == Rotated::compression);
  CHECK(Own::detect(as_bytes("\x28\xb5\x2f\xfd..")) == Compression::zstd);
  CHECK(codec::All::detect(as_bytes("rot13")) == Compression::none);
}
