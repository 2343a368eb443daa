#include <strata/archive/base64.hpp>
#include <strata/archive/crc64.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata;
using namespace strata::archive;

namespace {
std::string crc_of(std::string_view text) {
  Crc64 crc;
  crc.update(as_bytes(text));
  std::string out(base64_size(8), '\0');
  base64_encode(crc.bytes(), out.data());
  return out;
}
}  // namespace

TEST_CASE("CRC-64 has the values of Go's ISO table", "[archive][crc64]") {
  CHECK(crc_of("123456789") == "uQlWx3WkEAE=");
  CHECK(crc_of("hello\n") == "YUw+7uLYEAA=");
  CHECK(crc_of("") == "AAAAAAAAAAA=");
}

TEST_CASE("CRC-64 does not depend on how the bytes are cut", "[archive][crc64]") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7 + i / 256);
  Crc64 whole;
  whole.update(as_bytes(text));
  for (std::size_t const step : {1U, 3U, 16U, 17U, 1000U, 4096U}) {
    Crc64 crc;
    for (std::size_t i = 0; i < text.size(); i += step)
      crc.update(as_bytes(std::string_view(text).substr(i, step)));
    CHECK(crc.value() == whole.value());
  }
}
