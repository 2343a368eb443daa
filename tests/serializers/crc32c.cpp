#include <strata/serializers/crc32c.hpp>

#include <catch2/catch.hpp>

#include <string>

using strata::serializers::crc32c;

TEST_CASE("crc32c gives the published values", "[serializers][crc32c]") {
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43);
  CHECK(crc32c("") == 0);
}

TEST_CASE("crc32c goes on from a value, and the table agrees with the instruction", "[serializers][crc32c]") {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += static_cast<char>(static_cast<unsigned char>(i * 37));
    auto const whole = crc32c(text);
    auto const half = text.size() / 2;
    CHECK(crc32c(std::string_view(text).substr(half), crc32c(std::string_view(text).substr(0, half))) ==
          whole);
    CHECK(~strata::serializers::detail::crc32c_by_table(~0U, text.data(), text.size()) == whole);
  }
}
