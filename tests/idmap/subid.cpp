#include <strata/fs.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string_view>

using namespace strata;

TEST_CASE("subordinate ids are found by name and by number, and stand one behind another", "[idmap]") {
  std::string_view const text =
      "# comment\nann:100000:65536\nbob:1:1\nann:300000:10\n\n1000:7:2\nann:x:1\nann:5\nann:6:0\nann:8:1:2\n"
      "annex:9:1";
  CHECK(idmap::subordinate_ranges(text, "ann") == IdMap{{0, 100000, 65536}, {65536, 300000, 10}});
  CHECK(idmap::subordinate_ranges(text, "ann", 1000) ==
        IdMap{{0, 100000, 65536}, {65536, 300000, 10}, {65546, 7, 2}});
  CHECK(idmap::subordinate_ranges(text, "1000") == IdMap{{0, 7, 2}});
  CHECK(idmap::subordinate_ranges(text, "annex") == IdMap{{0, 9, 1}});
  CHECK(idmap::subordinate_ranges(text, "eve").empty());
  CHECK(idmap::subordinate_ranges(text, "", 4).empty());
}

TEST_CASE("a missing file of subordinate ids has none", "[idmap]") {
  testing::TempDir const dir;
  CHECK(idmap::subordinate_ranges(dir.path() / "subuid", "ann").empty());
  fs::ofstream(dir.path() / "subuid") << "ann:5:6\n";
  CHECK(idmap::subordinate_ranges(dir.path() / "subuid", "ann") == IdMap{{0, 5, 6}});
}
