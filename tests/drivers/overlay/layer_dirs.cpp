#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using namespace strata::drivers::overlay;

namespace {

/// A layer as an older release leaves it.
void make_layer(fs::path const& home, std::string const& id, std::string const& link,
                std::string const& lower = {}) {
  fs::create_directories(home / id / "diff");
  fs::create_directories(home / "l");
  fs::ofstream(home / id / "link") << link;
  if (!lower.empty()) fs::ofstream(home / id / "lower") << lower;
  fs::create_symlink("../" + id + "/diff", home / "l" / link);
}

}  // namespace

TEST_CASE("short names are 26 letters of base32, and new each time", "[drivers][overlay]") {
  auto const link = random_link();
  CHECK(link.size() == 26);
  CHECK(link.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == std::string::npos);
  CHECK(random_link() != link);
}

TEST_CASE("what is below a layer is told by lower-layers, else by lower", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  make_layer(dir.path(), "base", "BBB");
  make_layer(dir.path(), "mid", "MMM", "l/BBB");
  make_layer(dir.path(), "top", "TTT", "l/MMM:l/BBB");
  LayerDirs const dirs(dir.path(), {});
  using Ids = std::vector<std::string>;
  CHECK(dirs.list() == Ids{"base", "mid", "top"});
  CHECK(dirs.lower_ids(dirs.own("base")).empty());
  CHECK(dirs.lower_ids(dirs.own("top")) == Ids{"mid", "base"});
  CHECK(dirs.lowers(dirs.own("top")) == std::vector<fs::path>{dir / "mid", dir / "base"});
  auto const lists = dirs.lists_for_child_of(dirs.own("top"));
  REQUIRE(lists);
  CHECK(lists->lower == "l/TTT:l/MMM:l/BBB");
  CHECK(lists->lower_layers == "top:mid:base");
  CHECK(lists->parent_link == "TTT");

  SECTION("lower-layers comes first") {
    fs::ofstream(dir / "top/lower-layers") << "base";
    CHECK(dirs.lower_ids(dirs.own("top")) == Ids{"base"});
  }
  SECTION("a lost entry of l/ is found by the link files, and repaired") {
    fs::remove(dir / "l/BBB");
    CHECK(dirs.lower_ids(dirs.own("top")) == Ids{"mid", "base"});
    CHECK(!dirs.lists_for_child_of(dirs.own("base")));
    dirs.repair();
    CHECK(fs::read_symlink(dir / "l/BBB") == "../base/diff");
  }
  SECTION("a lost link file is found by l/") {
    fs::remove(dir / "mid/link");
    CHECK(!dirs.link_of(dirs.own("mid")));
    dirs.repair();
    CHECK(dirs.link_of(dirs.own("mid")) == "MMM");
  }
  SECTION("a link that nobody knows is an error that names it") {
    fs::remove(dir / "l/BBB");
    fs::remove(dir / "base/link");
    try {
      dirs.lower_ids(dirs.own("top"));
      FAIL("found");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::parent_unknown);
      CHECK(error.subject() == "layer top, link l/BBB");
    }
  }
  SECTION("lists that would lead out of the home are refused") {
    fs::ofstream(dir / "top/lower-layers") << "../../etc:base";
    CHECK_THROWS_AS(dirs.lowers(dirs.own("top")), Error);
    fs::ofstream(dir / "top/lower-layers") << "";
  }
}

TEST_CASE("layers of other homes are found after the own ones; reserved names are none",
          "[drivers][overlay]") {
  strata::testing::TempDir dir;
  make_layer(dir / "own", "both", "OOO");
  make_layer(dir / "other", "both", "PPP");
  make_layer(dir / "other", "far", "FFF");
  fs::create_directories(dir / "own/tempdirs");
  fs::create_directories(dir / "own/staging");
  LayerDirs const dirs(dir / "own", {dir / "other"});
  CHECK(dirs.find("both") == dir / "own/both");
  CHECK(dirs.find("far") == dir / "other/far");
  CHECK(!dirs.find("nowhere"));
  for (auto const* name : {"l", "tempdirs", "staging"}) CHECK(!dirs.find(name));
  CHECK(dirs.list() == std::vector<std::string>{"both"});
  CHECK(dirs.link_of(dir / "other/far") == "FFF");
  CHECK_THROWS_AS(dirs.get("nowhere"), Error);
}
