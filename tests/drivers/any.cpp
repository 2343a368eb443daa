#include <strata/drivers/any.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/driver_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <unistd.h>
#include <vector>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using strata::LayerId;
using strata::drivers::Any;
using strata::drivers::AnyOptions;

namespace {

struct Place {
  strata::testing::TempDir dir{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  Any open(AnyOptions const& options = {}) const {
    return {{.graph_root = dir / "graph", .run_root = dir / "run"}, options};
  }
  Error refused(AnyOptions const& options = {}) const {
    try {
      open(options);
    } catch (Error const& error) {
      return error;
    }
    return {Errc::unsupported, "nothing was thrown"};
  }
};

bool can_mount() {
  if (::geteuid() == 0) return true;
  WARN("skipped: overlay mounts need root");
  return false;
}

}  // namespace

TEST_CASE("drivers::Any keeps the driver contract", "[drivers][any]") {
  strata::testing::driver_suite<Any>(
      [](strata::DriverPlace const& place) { return Any(place, {.name = "vfs"}); });
}

TEST_CASE("any: contents are told apart as the driver can", "[drivers][any]") {
  struct Listed : strata::drivers::Memory {
    struct Options {
      static Options parse(std::vector<std::string> const&) { return {}; }
    };
    Listed(strata::DriverPlace const& place, Options const&) : Memory(place) {}
  };
  Place place;
  strata::DriverPlace const where{.graph_root = place.dir / "graph", .run_root = place.dir / "run"};
  strata::drivers::AnyOf<Listed> driver(where, {.name = "memory"});
  LayerId const id("layer");
  driver.publish(id, driver.stage({}));
  auto const identity = [&] {
    return strata::with_ability<std::optional<std::string>>(
        driver, [&](strata::IdentityDriver auto const& able) { return able.contents_identity(id); });
  };
  auto const before = identity();
  CHECK(before);
  auto other = driver.stage({});
  driver.replace(id, other);
  CHECK(identity() != before);
}

TEST_CASE("any: the named driver is opened and does the work", "[drivers][any]") {
  if (!can_mount()) return;
  for (auto const* name : {"overlay", "vfs"}) {
    Place place;
    auto driver = place.open({.name = name});
    CHECK(driver.name() == name);
    auto staged = driver.stage({.flush = strata::Flush::none});
    auto body = strata::memory_source("text");
    staged.add({.name = "f", .mode = 0644, .size = 4}, body);
    staged.finish();
    LayerId const id("base");
    driver.publish(id, std::move(staged));
    CHECK(driver.exists(id));
    CHECK(driver.list() == std::vector<LayerId>{id});
    std::string text;
    auto sink = strata::string_sink(text);
    driver.copy_file(id, "f", sink);
    CHECK(text == "text");
    CHECK(driver.changes({id}).size() == 1);
    CHECK(driver.diff_size({id}) == 4);
    auto const path = driver.mount(id, {});
    CHECK(fs::exists(path / "f"));
    CHECK(path == driver.mount_path(id));
    CHECK(driver.is_mounted(id));
    driver.unmount(id);
    auto empty = driver.stage({});
    driver.replace(id, empty);
    CHECK(driver.changes({id}).empty());
    driver.remove(id).empty();
    CHECK(!driver.exists(id));
    driver.recover();
    strata::with_ability(driver, [](strata::ShutdownDriver auto& able) { able.shutdown(); });
    CHECK(driver.status().empty() == (driver.name() == "vfs"));
  }
}

TEST_CASE("any: unknown names, options and mixed roots are told apart", "[drivers][any]") {
  Place place;
  auto const text = [&](char const* name) { return std::string(place.refused({.name = name}).what()); };
  auto const graph = (place.dir / "graph").native();
  CHECK(text("bogus") == "failed to GetDriver graph bogus " + graph + ": driver not supported");
  CHECK(text("devicemapper") == "failed to GetDriver graph devicemapper " + graph + ": driver not supported");
  CHECK(text("aufs") == "kernel does not support aufs: driver not supported");
  CHECK(text("zfs") ==
        "the 'zfs' command is not available: prerequisites for driver not satisfied (wrong filesystem?)");
  auto const option = place.refused({.name = "overlay", .options = {"overlay.bogus=1"}});
  CHECK(option.code() == Errc::driver_option);
  CHECK(option.subject() == "overlay: unknown option overlay.bogus");
  CHECK(!fs::exists(place.dir / "graph"));

  fs::create_directories(place.dir / "graph/overlay");
  fs::create_directories(place.dir / "graph/vfs");
  auto const several = place.refused();
  CHECK(several.code() == Errc::several_drivers);
  CHECK(several.subject() ==
        (place.dir / "graph").native() +
            " contains several valid graphdrivers: overlay, vfs; Please cleanup or explicitly "
            "choose storage driver (-s <DRIVER>)");
}

TEST_CASE("any: with several stores, a driver that does not work here is passed over as without",
          "[drivers][any]") {
  Place place;
  strata::drivers::AnyOf<strata::drivers::Btrfs, strata::drivers::Vfs> const driver(
      {.graph_root = place.dir / "graph",
       .run_root = place.dir / "run",
       .image_stores = {place.dir / "other"}},
      {});
  CHECK(driver.name() == "vfs");
}

TEST_CASE("any: without a name the graph root decides", "[drivers][any]") {
  if (!can_mount()) return;
  Place place;
  auto const home = [&](char const* name) { fs::create_directories(place.dir / "graph" / name); };
  SECTION("nothing there: overlay") { CHECK(place.open().name() == "overlay"); }
  SECTION("by priority") { CHECK(place.open({.priority = {"vfs", "overlay"}}).name() == "vfs"); }
  SECTION("by priority, those that do not work here or are not in the program passed over") {
    CHECK(place.open({.priority = {"zfs", "bogus", "btrfs", "vfs"}}).name() == "vfs");
    auto const none = place.refused({.priority = {"zfs", "bogus"}});
    CHECK(none.code() == Errc::driver_unusable);
  }
  SECTION("what has data is preferred to what is first") {
    home("overlay");
    CHECK(place.open({.priority = {"vfs", "overlay"}}).name() == "overlay");
  }
  SECTION("a home of vfs counts only if the priority names vfs") {
    home("vfs");
    CHECK(place.open({.priority = {"overlay", "vfs"}}).name() == "vfs");
    CHECK(place.open().name() == "overlay");
    CHECK(place.refused().code() == Errc::several_drivers);  // the original's trap: the second time it is two
  }
  SECTION("homes that the priority does not name do not count") {
    home("overlay");
    home("btrfs");
    CHECK(place.open({.priority = {"vfs"}}).name() == "vfs");
  }
  SECTION("a home of a driver that does not work here, or is not in the program, is not passed over") {
    home("btrfs");
    auto const refused = place.refused();
    CHECK(refused.code() == Errc::driver_unusable);
    CHECK(refused.subject() ==
          "\"" + (place.dir / "graph/btrfs").native() + "\" is not on a btrfs filesystem");
    CHECK(!fs::exists(place.dir / "graph/overlay"));
  }
  SECTION("the same for one that is known by its name only") {
    home("zfs");
    CHECK(place.refused().subject() == "the 'zfs' command is not available");
  }
}

TEST_CASE("any: overlay2 is overlay with another home", "[drivers][any]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open({.name = "overlay2"});
  CHECK(driver.name() == "overlay");
  CHECK(fs::exists(place.dir / "graph/overlay2/l"));
  CHECK(!fs::exists(place.dir / "graph/overlay"));
}
