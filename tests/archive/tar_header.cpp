#include <strata/archive/tar_header.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <map>
#include <string>

using namespace strata;
using namespace strata::archive;
using tar_tools::record;

TEST_CASE("PAX times keep nine digits of the fraction and count forward before 1970",
          "[archive][tar_header]") {
  CHECK(read_pax_time("0") == FileTime{0, 0});
  CHECK(read_pax_time("1350244992.023960108") == FileTime{1350244992, 23960108});
  CHECK(read_pax_time("1350244992.02396010899999") == FileTime{1350244992, 23960108});
  CHECK(read_pax_time("1.5") == FileTime{1, 500'000'000});
  CHECK(read_pax_time("1.") == FileTime{1, 0});
  CHECK(read_pax_time("-5") == FileTime{-5, 0});
  CHECK(read_pax_time("-1.25") == FileTime{-2, 750'000'000});
  CHECK(read_pax_time("-0.5") == FileTime{-1, 500'000'000});
  CHECK(read_pax_time("-1.0000000009") == FileTime{-1, 0});
  for (auto const* text :
       {"", ".", "-", ".5", "1.x", "1.-5", "1e3", "-9223372036854775808.5", "9223372036854775808"})
    CHECK_THROWS_AS(read_pax_time(text), Error);
}

TEST_CASE("PAX records may hold '=', newline and NUL in their values", "[archive][tar_header]") {
  std::map<std::string, std::string> seen;
  std::string const nul("a\0=b\n", 5);
  for_each_pax_record(record("path", "x=y\nz") + record("SCHILY.xattr.user.k", nul) + record("uid", ""),
                      [&](auto key, auto value) { seen.emplace(key, value); });
  CHECK(seen ==
        std::map<std::string, std::string>{{"path", "x=y\nz"}, {"SCHILY.xattr.user.k", nul}, {"uid", ""}});
}

TEST_CASE("PAX records that do not add up are refused", "[archive][tar_header]") {
  std::string const nul("\0", 1);
  for (std::string const& text :
       {std::string("x"), std::string("5 a=\nmore"), std::string("6 a=b"), std::string("7 a=b\n"),
        std::string("5 a=b\n"), std::string("4 =\n"), std::string("5 =b\n"), std::string("5 ab\n"),
        std::string("-6 a=b\n"), std::string("0 a=b\n"), std::string(" 6 a=b\n"),
        std::string("99999999999999999999 a=b\n"), std::string("18446744073709551615 a=b\n"),
        std::string("9223372036854775807 a=b\n"), std::string("6 a=b\n "), record("path", "a" + nul),
        record("uname", nul), record("k" + nul, "v")})
    CHECK(tar_tools::code_of([&] { for_each_pax_record(text, [](auto, auto) {}); }) == Errc::corrupt_archive);
}
