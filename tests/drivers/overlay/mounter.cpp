#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using namespace strata::drivers::overlay;

namespace {

using Words = std::vector<std::string>;

void make_layer_over(fs::path const& home, std::string const& id, std::string const& lower_layers = {}) {
  fs::create_directories(home / id / "diff");
  if (!lower_layers.empty()) fs::ofstream(home / id / "lower-layers") << lower_layers;
}

/// What the kernel can do is taken from what is known, and nothing tried.
struct KnownHost {
  strata::testing::TempDir dir = {};
  fs::path home = dir / "overlay", known = dir / "run";
  KnownHost() {
    fs::create_directories(home);
    fs::create_directories(known);
  }
  void know(std::string const& answer) const { fs::ofstream(known / answer) << ""; }
  Mounter mounter(Options const& options = {}) const {
    return {home,
            {{.known = known, .temp_dirs = home / "tempdirs", .read_only = true}, options.mountopt},
            options,
            false};
  }
};

}  // namespace

TEST_CASE("a mount gets the options it asks for, else the configured ones", "[drivers][overlay]") {
  KnownHost const fixture;
  fixture.know("metacopy(nodev)-true");
  auto const mounter = fixture.mounter({.mountopt = "nodev"});
  CHECK(mounter.options() == Words{"nodev"});
  CHECK(mounter.options({"ro", "noexec"}) == Words{"ro", "noexec"});
  CHECK(mounter.options({"metacopy=on"}) == Words{"metacopy=on"});

  auto const always = fixture.mounter({.mountopt = "nodev,metacopy=on"});
  CHECK(always.options({"ro"}) == Words{"ro"});  // not known, so not asked for
  fixture.know("metacopy(nodev,metacopy=on)-true");
  CHECK(always.options({"ro"}) == Words{"ro", "metacopy=on"});
  CHECK(always.options() == Words{"nodev", "metacopy=on"});
}

TEST_CASE("a layer that is written to has itself on top, one that is read below all", "[drivers][overlay]") {
  KnownHost const fixture;
  auto const& home = fixture.home;
  make_layer_over(home, "base");
  make_layer_over(home, "top", "base");
  LayerDirs const dirs(home, {});
  auto const mounter = fixture.mounter();

  auto const plan = mounter.plan(dirs, home / "top", true, {.label = "l"});
  CHECK(plan.lowers == std::vector<fs::path>{home / "base/diff"});
  CHECK(plan.upper == home / "top/diff");
  CHECK(plan.work == home / "top/work");
  CHECK(plan.options.empty());
  CHECK(plan.label == "l");

  auto const read = std::vector<fs::path>{home / "top/diff", home / "base/diff"};
  for (auto const& other : {mounter.plan(dirs, home / "top", true, {.read_only = true}),
                            mounter.plan(dirs, home / "top", true, {.options = {"ro"}}),
                            mounter.plan(dirs, home / "top", false, {})}) {
    CHECK(other.lowers == read);
    CHECK(other.upper.empty());
    CHECK(other.options == Words{"ro"});
  }

  // The kernel wants something below.
  CHECK(mounter.plan(dirs, home / "base", true, {}).lowers == std::vector<fs::path>{home / "base/empty"});
  CHECK(fs::is_directory(home / "base/empty"));

  CHECK(mounter.plan(dirs, home / "top", true, {.is_volatile = true}).options.empty());
  fixture.know("volatile-true");
  CHECK(mounter.plan(dirs, home / "top", true, {.is_volatile = true}).options == Words{"volatile"});
}

TEST_CASE("more layers than the kernel takes are refused before it is asked", "[drivers][overlay]") {
  KnownHost const fixture;
  std::string below;
  for (int i = 0; i < 501; ++i) {
    make_layer_over(fixture.home, std::to_string(i));
    below += (below.empty() ? "" : ":") + std::to_string(i);
    if (i == 499) make_layer_over(fixture.home, "deep", below);
  }
  make_layer_over(fixture.home, "deeper", below);
  LayerDirs const dirs(fixture.home, {});
  auto const mounter = fixture.mounter();
  CHECK(mounter.plan(dirs, fixture.home / "deep", true, {}).lowers.size() == 500);
  try {
    mounter.plan(dirs, fixture.home / "deeper", true, {});
    FAIL("planned");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.subject() == "layer deeper: 501 layers below it; max depth exceeded");
  }
}

TEST_CASE("owners are shifted by the kernel, or by a program where the maps are one offset",
          "[drivers][overlay]") {
  KnownHost const fixture;
  strata::IdMap const whole{{.container_id = 0, .host_id = 1000, .size = 10}};
  strata::IdMap const split{{.container_id = 0, .host_id = 1000, .size = 5},
                            {.container_id = 5, .host_id = 3000, .size = 5}};
  auto const kernel = fixture.mounter();
  auto const program = fixture.mounter({.mount_program = "/bin/false"});
  CHECK_FALSE(kernel.by_program());
  CHECK(program.by_program());
  CHECK_FALSE(kernel.shifts({.uids = split, .gids = whole}));
  fixture.know("idmapped-lower-dir-true");
  CHECK(kernel.shifts({.uids = split, .gids = whole}));
  CHECK(program.shifts({.uids = whole, .gids = whole}));
  CHECK_FALSE(program.shifts({.uids = split, .gids = whole}));
  ::setenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP", "yes", 1);
  CHECK_FALSE(kernel.shifts({}));
  CHECK_FALSE(program.shifts({}));
  ::unsetenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP");
}

TEST_CASE("the home remembers whether a program mounts it", "[drivers][overlay]") {
  KnownHost const fixture;
  LayerDirs const dirs(fixture.home, {});
  fixture.know("overlay-true");
  auto const mark = fixture.home / ".has-mount-program";
  auto mounter = fixture.mounter();
  mounter.choose_program(dirs);
  CHECK_FALSE(mounter.by_program());
  CHECK(strata::sys::read_file(mark) == "false");
  auto program = fixture.mounter({.mount_program = "/bin/false"});
  program.choose_program(dirs);
  CHECK(strata::sys::read_file(mark) == "true");
}

TEST_CASE("a kernel without overlay is an error with its reason", "[drivers][overlay]") {
  KnownHost const fixture;
  fs::ofstream(fixture.known / "overlay-false") << "because";
  LayerDirs const dirs(fixture.home, {});
  try {
    fixture.mounter().choose_program(dirs);
    FAIL("chosen");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::driver_unusable);
    CHECK(error.subject() == "overlay in " + fixture.home.native() + ": because");
  }
}
