#include <strata/archive/tar_number.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <limits>
#include <string>

using namespace strata;
using namespace strata::archive;

namespace {
std::int64_t number(std::string const& field) { return read_number(as_bytes(field)); }
}  // namespace

TEST_CASE("octal fields may be padded with spaces and NULs on either side", "[archive][tar_number]") {
  CHECK(number(std::string("0000644\0", 8)) == 0644);
  CHECK(number("  644 \0\0") == 0644);
  CHECK(number(std::string("\0\0 644 \0", 8)) == 0644);
  CHECK(number(std::string(8, '\0')) == 0);
  CHECK(number("        ") == 0);
  CHECK(number("") == 0);
  CHECK(number("77777777") == 077777777);
  CHECK(number(std::string("644\0garb", 8)) == 0644);
  CHECK(number("777777777777777777777") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("other characters and values that do not fit are refused", "[archive][tar_number]") {
  for (auto const* text : {"8", "0x1", "-1", "12 34", "1777777777777777777777", "\x01", "\x7f"})
    CHECK_THROWS_AS(number(text), Error);
}

TEST_CASE("base-256 fields hold every 63-bit number and its sign", "[archive][tar_number]") {
  CHECK(number("\x80" + std::string(7, '\0')) == 0);
  CHECK(number(std::string("\x80\0\0\0\0\0\1\2", 8)) == 258);
  CHECK(number(std::string(12, '\xff')) == -1);
  CHECK(number(std::string(11, '\xff') + '\xf9') == -7);
  CHECK(number(std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(number(std::string("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12)) ==
        std::numeric_limits<std::int64_t>::min());
  CHECK_THROWS_AS(number(std::string("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12)), Error);
  CHECK_THROWS_AS(number(std::string("\x80\0\0\1\0\0\0\0\0\0\0\0", 12)), Error);
  CHECK_THROWS_AS(number(std::string("\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0", 12)), Error);
  CHECK_THROWS_AS(number("\xbf" + std::string(11, '\xff')), Error);
}

TEST_CASE("what is written octal is read back, what does not fit becomes 0", "[archive][tar_number]") {
  for (std::int64_t const value :
       {std::int64_t{0}, std::int64_t{7}, std::int64_t{0644}, std::int64_t{2097151}}) {
    std::array<char, 8> field{};
    write_octal(field, value);
    CHECK(fits_octal(value, 8));
    CHECK(number(std::string(field.data(), 8)) == value);
    CHECK(field[7] == '\0');
  }
  CHECK(fits_octal(8589934591, 12));
  for (std::int64_t const value :
       {std::int64_t{-1}, std::int64_t{2097152}, std::numeric_limits<std::int64_t>::max()}) {
    std::array<char, 8> field{};
    write_octal(field, value);
    CHECK_FALSE(fits_octal(value, 8));
    CHECK(std::string_view(field.data()) == "0000000");
  }
  CHECK_FALSE(fits_octal(8589934592, 12));
}

TEST_CASE("decimal numbers are whole and signed", "[archive][tar_number]") {
  CHECK(read_decimal("0") == 0);
  CHECK(read_decimal("-12") == -12);
  CHECK(read_decimal("+12") == 12);
  CHECK(read_decimal("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(read_decimal("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  for (auto const* text : {"", "+", "-", "+-1", "1 ", " 1", "0x1", "1.5", "9223372036854775808"})
    CHECK_THROWS_AS(read_decimal(text), Error);
}
