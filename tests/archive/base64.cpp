#include <strata/archive/base64.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata;
using namespace strata::archive;

namespace {
std::string encoded(std::string_view text) {
  std::string out(base64_size(text.size()), '?');
  CHECK(base64_encode(as_bytes(text), out.data()) == out.data() + out.size());
  return out;
}
std::optional<std::string> decoded(std::string_view text) {
  std::string out(text.size() / 4 * 3, '?');
  auto const size = base64_decode(text, reinterpret_cast<std::byte*>(out.data()));
  if (!size) return {};
  out.resize(*size);
  return out;
}
}  // namespace

TEST_CASE("base64 has the values of RFC 4648 section 10", "[archive][base64]") {
  char const* const pairs[][2] = {{"", ""},
                                  {"f", "Zg=="},
                                  {"fo", "Zm8="},
                                  {"foo", "Zm9v"},
                                  {"foob", "Zm9vYg=="},
                                  {"fooba", "Zm9vYmE="},
                                  {"foobar", "Zm9vYmFy"}};
  for (auto const& [plain, text] : pairs) {
    CHECK(encoded(plain) == text);
    CHECK(decoded(text) == plain);
  }
}

TEST_CASE("base64 brings back every byte at every place", "[archive][base64]") {
  std::string all;
  for (int i = 0; i < 3 * 256; ++i) all += static_cast<char>(i + i / 256);
  for (std::size_t size = 0; size < all.size(); size += 7)
    CHECK(decoded(encoded(all.substr(0, size))) == all.substr(0, size));
}

TEST_CASE("what is not padded base64 is refused", "[archive][base64]") {
  for (auto const* text : {"A", "AA", "AAA", "====", "A===", "AA=A", "A=AA", "=AAA", "AA==AAAA", "AA-_",
                           "AA\nA", "AA\"A", "AA\\A", "\xff\xff\xff\xff"})
    CHECK_FALSE(decoded(text));
}
