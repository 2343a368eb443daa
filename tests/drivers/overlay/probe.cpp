#include <strata/drivers/overlay/probe.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata::drivers::overlay;

TEST_CASE("answers are remembered in the names of files", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  FeatureCache const cache(dir / "run/overlay");
  CHECK(!cache.find("volatile"));
  cache.put("volatile", {.works = true});
  cache.put("metacopy(nodev)", {.works = false, .reason = "because"});
  CHECK(fs::exists(dir / "run/overlay/volatile-true"));
  CHECK(cache.find("volatile")->works);
  CHECK(cache.find("metacopy(nodev)")->works == false);
  CHECK(cache.find("metacopy(nodev)")->reason == "because");
  fs::ofstream(dir / "run/overlay/metacopy(nodev)-true");
  CHECK(cache.find("metacopy(nodev)")->works);
  cache.put("metacopy(lowerdir=/x)", {.works = true});
  CHECK(!cache.find("metacopy(lowerdir=/x)"));
}

TEST_CASE("probes answer, say why not, and leave nothing behind", "[drivers][overlay]") {
  if (::geteuid() != 0) {
    WARN("skipped: overlay mounts need root");
    return;
  }
  strata::testing::TempDir dir(fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
  auto const root = dir / "tempdirs";
  CHECK(probe_overlay(root).works);
  CHECK(probe_native_diff(root, {}).works);
  CHECK(!probe_native_diff(root, {"no_such_option=1"}).works);
  CHECK(!probe_native_diff(root, {"no_such_option=1"}).reason.empty());
  CHECK(probe_metacopy(root, {"metacopy=off"}).reason == "files are copied up whole");
  if (probe_metacopy(root, {"metacopy=on"}).works) {
    auto const redirected = probe_native_diff(root, {"redirect_dir=on"});
    CHECK(!redirected.works);
    CHECK(redirected.reason == "renamed directories are redirected");
  } else {
    WARN("metacopy does not work here: " << probe_metacopy(root, {"metacopy=on"}).reason);
  }
  CHECK(probe_volatile(root).works);
  auto const mapped = probe_idmapped_lower(root);
  INFO(mapped.reason);
  CHECK((mapped.works || !mapped.reason.empty()));
  CHECK(fs::is_empty(root));
  CHECK(strata::sys::mounts_below(dir.path()).empty());
  SECTION("where nothing can be made they say so") {
    fs::ofstream(dir / "file");
    CHECK(!probe_overlay(dir / "file/tempdirs").works);
  }
}
