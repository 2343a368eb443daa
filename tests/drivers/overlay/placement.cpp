#include <strata/drivers/overlay/placement.hpp>
#include <strata/fs.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <unistd.h>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::LayerId;
using strata::testing::code_of;
using namespace strata::drivers::overlay;

namespace {

struct EmptyHome {
  strata::testing::TempDir directory;
  LayerDirs dirs{directory / "home", {}};

  EmptyHome() { fs::create_directories(dirs.home() / "l"); }
  strata::drivers::overlay::StagedLayer staged(std::string const& text) const {
    strata::drivers::overlay::StagedLayer made(dirs, {.flush = strata::Flush::none});
    made.start({}, dirs);
    strata::testing::add_all(made, {strata::testing::file("f", text)});
    return made;
  }
  std::string text(std::string const& id) const { return strata::sys::read_file(dirs.own(id) / "diff/f"); }
};

}  // namespace

TEST_CASE("an overlay layer gets its name and its entry of l/ together", "[drivers][overlay]") {
  if (::geteuid() != 0) return;
  EmptyHome const home;
  auto staged = home.staged("1");
  put_in_place(home.dirs, LayerId("one"), staged, {});
  CHECK(home.text("one") == "1");
  auto const link = home.dirs.home() / "l" / strata::sys::read_file(home.dirs.own("one") / "link");
  CHECK(fs::read_symlink(link) == "../one/diff");

  auto again = home.staged("2");
  CHECK(code_of([&] { put_in_place(home.dirs, LayerId("one"), again, {}); }) == Errc::duplicate_id);
  for (auto const* name : {"l", "staging", ".hidden", "a:b"})
    CHECK(code_of([&] { put_in_place(home.dirs, LayerId(name), again, {}); }) == Errc::invalid_id);
  CHECK(home.text("one") == "1");

  exchange_trees(home.dirs.own("one"), again);
  CHECK(home.text("one") == "2");
  exchange_trees(home.dirs.own("one"), again);
  CHECK(home.text("one") == "1");

  {
    auto const gone = take_away(home.dirs, LayerId("one"));
    REQUIRE(gone);
    CHECK_FALSE(fs::exists(home.dirs.own("one")));
    CHECK_FALSE(fs::exists(fs::symlink_status(link)));
  }
  CHECK_FALSE(take_away(home.dirs, LayerId("one")));
  CHECK_FALSE(take_away(home.dirs, LayerId("l")));
}
