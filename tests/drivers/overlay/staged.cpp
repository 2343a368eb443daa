#include <strata/drivers/overlay/staged.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <sys/stat.h>

namespace fs = boost::filesystem;
using namespace strata::drivers::overlay;

TEST_CASE("a layer is built whole in a temp-dir, which goes with it", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  LayerDirs const dirs(dir.path(), {});
  std::optional<strata::drivers::overlay::StagedLayer> staged(std::in_place, dirs, strata::StageRequest{});
  staged->finish();
  staged->finish();
  CHECK(staged->layer().parent_path().parent_path() == dir / "tempdirs");
  CHECK(staged->layer().filename() == "0-addition");
  for (auto const* name : {"diff", "work", "merged", "empty", "link"})
    CHECK(fs::exists(staged->layer() / name));
  strata::drivers::overlay::StagedLayer moved = std::move(*staged);
  staged.reset();
  CHECK(fs::exists(moved.diff()));
  { strata::drivers::overlay::StagedLayer const end = std::move(moved); }
  CHECK(fs::is_empty(dir / "tempdirs"));
}

TEST_CASE("the umask has no say in a layer's modes", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  LayerDirs const dirs(dir.path(), {});
  auto const old = ::umask(077);
  strata::drivers::overlay::StagedLayer staged(dirs, {});
  staged.finish();
  ::umask(old);
  auto const mode = [&](char const* name) { return fs::status(staged.layer() / name).permissions(); };
  CHECK(mode("diff") == fs::perms(0555));
  CHECK(mode("link") == fs::perms(0644));
}
