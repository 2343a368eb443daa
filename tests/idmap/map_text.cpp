#include <strata/idmap/map_text.hpp>

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("idmap: maps as people write them", "[idmap]") {
  CHECK(idmap::parse_map("") == IdMap{});
  CHECK(idmap::parse_map("0:100000:65536") == IdMap{{0, 100000, 65536}});
  CHECK(idmap::parse_map("0:1000:10:10:5000:5") == IdMap{{0, 1000, 10}, {10, 5000, 5}});
  CHECK(idmap::parse_map("4294967295:0:0") == IdMap{{4294967295, 0, 0}});
  // What Debian's containers-storage refuses as remap-uids.
  for (auto const* text : {":", "0:1", "0:1:2:", "0:1:2:3", " 0:1:2", "0-1:2", "0x1:1:1", "0:1:2,5:6:7",
                           "0:1:2 5:6:7", "4294967296:0:1", "-1:0:1", "+1:0:1", "0::1", "bad"}) {
    CAPTURE(text);
    CHECK_FALSE(idmap::parse_map(text));
  }
}
