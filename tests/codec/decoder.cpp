#include <strata/codec/decoder.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

using namespace strata;

namespace decoder_tests {

/// Gives so many bytes in all, at most so many a call.
struct Giver {
  std::size_t left;
  std::size_t most;
  std::size_t fill(std::span<std::byte> into) {
    auto const n = std::min({left, most, into.size()});
    std::fill_n(into.begin(), n, std::byte{'x'});
    left -= n;
    return n;
  }
};

/// Gives two chunks, and counts how often it is asked.
struct Parts {
  int& fetched;
  Bytes next() {
    ++fetched;
    return fetched == 1 ? as_bytes("abc") : fetched == 2 ? as_bytes("de") : Bytes();
  }
};

}  // namespace decoder_tests

TEST_CASE("the input of a decoder is taken bit by bit, and fetched once it is used up", "[codec][decoder]") {
  int fetched = 0;
  codec::detail::Input input(decoder_tests::Parts{.fetched = fetched});
  CHECK(as_text(input.rest()) == "abc");
  CHECK(as_text(input.rest()) == "abc");  // it is still there
  input.skip(2);
  CHECK(as_text(input.rest()) == "c");
  CHECK(fetched == 1);
  input.skip(1);
  CHECK(as_text(input.rest()) == "de");
  input.skip(2);
  CHECK(input.rest().empty());
  CHECK(input.rest().empty());
  CHECK(fetched == 3);  // after its end, a source is not asked again
}

TEST_CASE("what only fills buffers can be read in chunks of its own", "[codec][decoder]") {
  codec::detail::Decoder decoder(decoder_tests::Giver{.left = 300'000, .most = 1 << 20});
  CHECK(decoder.next().size() == 256 * 1024);
  std::byte own[1000];
  CHECK(decoder.fill(own) == 1000);
  CHECK(decoder.next().size() == 300'000 - 256 * 1024 - 1000);
  CHECK(decoder.next().empty());
  CHECK(decoder.fill(own) == 0);
}

TEST_CASE("a damaged stream is told by its format and what is wrong with it", "[codec][decoder]") {
  try {
    codec::detail::throw_damaged("xz", "ends too early");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_archive);
    CHECK(error.subject() == "xz stream, ends too early");
  }
}
