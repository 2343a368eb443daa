#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <system_error>
#include <unordered_set>

using namespace strata;

namespace {
// FIPS 180-4, the examples that NIST gives for SHA-256: "abc" and the empty message.
constexpr auto of_abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr auto of_nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::error_code parse(std::string const& text) {
  try {
    Digest::parse(text);
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}
}  // namespace

TEST_CASE("SHA-256 of bytes, at once and in parts", "[digest]") {
  CHECK(Digest::of(as_bytes("abc")).str() == of_abc);
  CHECK(Digest::of({}).str() == of_nothing);
  Hasher hasher;
  hasher.update(as_bytes("a"));
  hasher.update({});
  hasher.write(as_bytes("bc"));
  CHECK(hasher.finish() == Digest::parse(of_abc));
}

TEST_CASE("a digest has an algorithm and as many lower-case digits as that asks for", "[digest]") {
  auto const digest = Digest::parse(of_abc);
  CHECK(digest.algorithm() == "sha256");
  CHECK(digest.hex().size() == 64);
  CHECK_FALSE(parse("sha384:" + std::string(96, 'a')));
  CHECK_FALSE(parse("sha512:" + std::string(128, '0')));

  for (auto const* text : {"", "sha256", ":", "sha256:", ":abc", "SHA256:abc", "sha256:ab/c", "sha256:a b"}) {
    INFO(text);
    CHECK(parse(text) == Errc::digest_invalid_format);
  }
  CHECK(parse("sha256:" + std::string(64, 'A')) == Errc::digest_invalid_format);
  CHECK(parse("sha256:" + std::string(64, 'g')) == Errc::digest_invalid_format);
  CHECK(parse("sha256:" + std::string(63, 'a')) == Errc::digest_invalid_length);
  CHECK(parse("sha256:" + std::string(65, 'a')) == Errc::digest_invalid_length);
  CHECK(parse("md5:" + std::string(32, 'a')) == Errc::digest_unsupported);
}

TEST_CASE("a digest is parsed without exceptions if the caller asks for the code", "[digest]") {
  std::error_code error = Errc::stopped;
  auto const text = "sha256:" + std::string(64, 'a');
  auto const good = Digest::parse(text, error);
  REQUIRE(good);
  CHECK(good->str() == text);
  CHECK_FALSE(error);
  CHECK_FALSE(Digest::parse("sha256:abc", error));
  CHECK(error == Errc::digest_invalid_length);
  CHECK_FALSE(Digest::parse("abc", error));
  CHECK(error == Errc::digest_invalid_format);
}

TEST_CASE("digests are written and hashed", "[digest]") {
  std::ostringstream out;
  out << Digest::parse(of_abc);
  CHECK(out.str() == of_abc);
  CHECK(std::unordered_set<Digest>{Digest::parse(of_abc), Digest::parse(of_abc)}.size() == 1);
}
