#include <strata/drivers/any.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/shift_owners.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/testing/id_map_suite.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata;

namespace {

bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("skipped: giving files away needs root");
  return false;
}

DriverPlace place_in(fs::path const& place) {
  return {.graph_root = place / "graph", .run_root = place / "run"};
}

/// While it lives, overlay stores owners instead of mapping mounts.
struct NoMappedMounts {
  NoMappedMounts() { ::setenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP", "yes", 1); }
  ~NoMappedMounts() { ::unsetenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP"); }
};

}  // namespace

TEST_CASE("drivers::Vfs keeps mapped owners", "[drivers][vfs][idmap]") {
  if (!is_root()) return;
  testing::id_map_suite<drivers::Vfs>([](fs::path const& place) { return drivers::Vfs(place_in(place)); });
}

TEST_CASE("drivers::Overlay keeps and shows mapped owners", "[drivers][overlay][idmap]") {
  if (!is_root()) return;
  testing::id_map_suite<drivers::Overlay>(
      [](fs::path const& place) { return drivers::Overlay(place_in(place), {.skip_mount_home = true}); });
}

TEST_CASE("drivers::Overlay without mapped mounts keeps mapped owners", "[drivers][overlay][idmap]") {
  if (!is_root()) return;
  NoMappedMounts const without;
  testing::id_map_suite<drivers::Overlay>([](fs::path const& place) {
    drivers::Overlay driver(place_in(place), {.skip_mount_home = true});
    CHECK_FALSE(driver.shifts({}));
    return driver;
  });
}

TEST_CASE("drivers::Any passes maps on", "[drivers][any][idmap]") {
  if (!is_root()) return;
  testing::id_map_suite<drivers::Any>([](fs::path const& place) {
    return drivers::Any(place_in(place), {.name = "vfs", .options = {}, .priority = {}});
  });
}
