#include <strata/error.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"

using namespace strata;

namespace verified_source_tests {  // several files of tests are compiled as one

namespace {

oci::Descriptor describe(std::string const& text) {
  return {.media_type = "x", .digest = Digest::of(as_bytes(text)), .size = text.size()};
}

std::error_code read(std::string const& text, oci::Descriptor const& blob, std::string const& part) {
  std::string found;
  auto const error = oci_tools::error_of(
      [&] { found = testing::read_all(oci::VerifiedSource(tar_tools::Chunks(text, 7), blob, "here")); },
      part);
  if (!error) CHECK(found == text);
  return error;
}

}  // namespace

TEST_CASE("a blob's bytes are verified on their way", "[oci][verified_source]") {
  std::string const text = "some bytes of a blob";
  auto const blob = describe(text);
  CHECK_FALSE(read(text, blob, ""));
  CHECK_FALSE(read("", describe(""), ""));
  CHECK(read(text.substr(1), blob, "19 bytes instead of 20") == Errc::digest_mismatch);
  CHECK(read(text + "!", blob, "more than 20 bytes") == Errc::digest_mismatch);
  CHECK(read("some bytes of a blot", blob, describe("some bytes of a blot").digest.str()) ==
        Errc::digest_mismatch);
  CHECK(read("", blob, "blob " + blob.digest.str() + " of here: 0 bytes") == Errc::digest_mismatch);
  oci::VerifiedSource in(memory_source(text), blob, "here");
  CHECK(in.size() == 20);
  while (!in.next().empty()) {
  }
  CHECK(in.next().empty());
  CHECK(in.size() == 0);
  auto other = blob;
  other.digest = Digest::parse("sha512:" + std::string(128, '0'));
  CHECK(read(text, other, "SHA-256") == Errc::digest_unsupported);
}

}  // namespace verified_source_tests
