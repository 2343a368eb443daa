#include <strata/archive/extended_headers.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <string>

using namespace strata;
using archive::ExtendedHeaders;
using archive::TarHeader;
using tar_tools::code_of;
using tar_tools::record;

TEST_CASE("a size and what is said of holes are left to the caller", "[archive][extended_headers]") {
  ExtendedHeaders extended;
  extended.pax = record("path", "p") + record("size", "7") + record("GNU.sparse.major", "1") +
                 record("GNU.sparse.name", "s");
  TarHeader header{.name = "old", .size = 3};
  auto const said = extended.bring_into(header, 1000);
  CHECK(header.name == "p");
  CHECK(header.size == 3);
  CHECK(said.size == 7);
  CHECK(said.sparse.major == "1");
  CHECK(said.sparse.name == "s");
  extended.long_name = std::string("long\0junk", 9);
  extended.bring_into(header, 1000);
  CHECK(header.name == "long");
}

TEST_CASE("attributes of one entry have a budget", "[archive][extended_headers]") {
  ExtendedHeaders extended;
  extended.pax = record("SCHILY.xattr.user.a", std::string(94, 'v'));
  TarHeader header;
  CHECK(code_of([&] { extended.bring_into(header, 100); }) == std::error_code{});
  CHECK(code_of([&] { extended.bring_into(header, 99); }) == Errc::over_budget);
}

TEST_CASE("data goes where its kind says, and all of it is forgotten", "[archive][extended_headers]") {
  ExtendedHeaders extended;
  extended.data_of('L') = "l";
  extended.data_of('K') = "k";
  extended.data_of('x') = "x";
  CHECK(extended.long_name + extended.long_link + extended.pax == "lkx");
  CHECK(&extended.data_of('g') == &extended.pax);
  extended.clear();
  CHECK((extended.long_name + extended.long_link + extended.pax).empty());
}
