// Invariant: a text is a digest, which is that text, or an error of the three that there are; and bytes that come in pieces
// have the digest that they have in one.

#include <strata/digest.hpp>

#include "fuzz.hpp"

using strata::Digest;
using strata::Errc;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  fuzz::outcome({Errc::digest_invalid_format, Errc::digest_unsupported, Errc::digest_invalid_length}, [&] {
    auto const digest = Digest::parse(input.text());
    fuzz::require(digest.str() == input.text(), "the text is kept");
    fuzz::require(std::string(digest.algorithm()) + ':' + std::string(digest.hex()) == digest.str(),
                  "two parts");
    fuzz::require(digest.hex().find_first_not_of("0123456789abcdef") == std::string_view::npos, "lower case");
  });
  strata::Hasher hasher;
  fuzz::Chunks in(input.text(), chunk);
  for (auto part = in.next(); !part.empty(); part = in.next()) hasher.update(part);
  auto const digest = hasher.finish();
  fuzz::require(digest == Digest::of(strata::as_bytes(input.text())), "the same in pieces");
  fuzz::require(Digest::parse(digest.str()) == digest, "and valid");
  return 0;
}
