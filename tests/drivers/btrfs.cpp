#include <strata/drivers/btrfs.hpp>
#include <strata/fs.hpp>
#include <strata/sys/btrfs.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/driver_suite.hpp>

#include <catch2/catch.hpp>

#include "../sys/loop_disk.hpp"
#include <cerrno>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using strata::LayerId;
using strata::drivers::Btrfs;
using strata::testing::code_of;
using strata::testing::create_layer;
using strata::testing::directory;
using strata::testing::file;

namespace {

/// A graph root on the shared disk.
struct Place {
  explicit Place(LoopDisk const& disk) : dir(disk.path()) {}
  ~Place() { strata::sys::unmount_below(dir.path()); }
  Place(Place const&) = delete;
  Place& operator=(Place const&) = delete;
  Btrfs open(Btrfs::Options const& options = {}, bool read_only = false) const {
    return {{.graph_root = dir / "g", .run_root = dir / "r", .read_only = read_only}, options};
  }
  fs::path layer(std::string const& id) const { return dir / "g/btrfs/subvolumes" / id; }
  strata::testing::TempDir dir;
};

std::string refusal(std::vector<std::string> const& texts) {
  try {
    Btrfs::Options::parse(texts);
  } catch (Error const& error) {
    CHECK(error.code() == Errc::driver_option);
    return error.subject();
  }
  return "accepted";
}

unsigned mode_of(fs::path const& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("drivers::Btrfs keeps the driver contract", "[drivers][btrfs]") {
  if (auto const* disk = shared_btrfs()) strata::testing::driver_suite<Btrfs>(disk->path());
}

TEST_CASE("btrfs options: its own, others passed over, unknown ones named", "[drivers][btrfs]") {
  auto const options = Btrfs::Options::parse({"btrfs.size=10m", "min_space = 1M", "overlay.bogus=1"});
  CHECK(options.size == 10U << 20U);
  CHECK(options.min_space == 1U << 20U);
  CHECK(refusal({"foo"}) == "unable to parse key/value option: foo");
  CHECK(refusal({"btrfs.mountopt=nodev"}) == "btrfs driver does not support mount options");
  CHECK(refusal({"btrfs.Bogus=1"}) == "unknown option btrfs.bogus (\"btrfs.Bogus=1\")");
  CHECK(refusal({"btrfs.min_space=zz"}) == "invalid size: 'zz'");
}

TEST_CASE("btrfs is refused elsewhere, and leaves nothing there", "[drivers][btrfs]") {
  strata::testing::TempDir const place;
  if (strata::sys::btrfs::is_btrfs(place.path())) return;
  try {
    Btrfs({.graph_root = place / "g", .run_root = place / "r"});
    FAIL("opened");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::driver_unusable);
    CHECK(std::string(error.what()) == "\"" + (place / "g/btrfs").native() +
                                           "\" is not on a btrfs filesystem: prerequisites for driver not "
                                           "satisfied (wrong filesystem?)");
  }
  CHECK_FALSE(fs::exists(place / "g/btrfs"));
}

TEST_CASE("btrfs has the subvolumes and modes of containers/storage", "[drivers][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  Place const place(*disk);
  auto driver = place.open();
  CHECK(mode_of(place.dir / "g/btrfs") == 0700);
  CHECK(mode_of(place.dir / "g/btrfs/subvolumes") == 0700);
  auto const home = strata::sys::find_mount(place.dir / "g/btrfs");
  REQUIRE(home);
  CHECK(home->propagation.empty());
  create_layer(driver, LayerId("base"), {}, {file("a", "text")});
  CHECK(mode_of(place.layer("base")) == 0555);
  create_layer(driver, LayerId("open"), LayerId("base"), {directory("./", 0755)});
  CHECK(mode_of(place.layer("open")) == 0755);
  CHECK(strata::sys::btrfs::is_subvolume(place.layer("base")));
  CHECK(strata::sys::btrfs::is_subvolume(place.layer("open")));
  CHECK(driver.mount(LayerId("open"), {.options = {"ro"}}) == place.layer("open"));
  CHECK(code_of([&] { driver.mount(LayerId("open"), {.options = {"nodev"}}); }) == Errc::unsupported);
  CHECK_FALSE(fs::exists(place.dir / "g/btrfs/quotas"));
  driver.shutdown();
  CHECK_FALSE(strata::sys::find_mount(place.dir / "g/btrfs"));
  driver.shutdown();
}

TEST_CASE("btrfs removes a layer with the subvolumes that somebody made in it", "[drivers][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  Place const place(*disk);
  auto driver = place.open();
  create_layer(driver, LayerId("base"), {}, {directory("d")});
  strata::sys::btrfs::create_subvolume(place.layer("base") / "d/inner");
  strata::sys::replace_file(place.layer("base") / "d/inner/file", "x");
  create_layer(driver, LayerId("top"), LayerId("base"), {});
  CHECK(fs::is_empty(place.layer("top") / "d/inner"));
  auto trash = driver.remove(LayerId("base"));
  CHECK_FALSE(driver.exists(LayerId("base")));
  trash.empty();
  CHECK(fs::is_empty(place.dir / "g/btrfs/tempdirs"));
  CHECK(driver.list() == std::vector{LayerId("top")});
}

TEST_CASE("btrfs takes layers that are plain directories", "[drivers][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  Place const place(*disk);
  auto driver = place.open();
  fs::create_directory(place.layer("restored"));
  strata::sys::replace_file(place.layer("restored") / "a", "text");
  create_layer(driver, LayerId("top"), LayerId("restored"), {file("b", "more")});
  CHECK(strata::sys::btrfs::is_subvolume(place.layer("top")));
  CHECK(strata::testing::describe(driver.changes({LayerId("top"), LayerId("restored")})) == "+/b ");
  driver.remove(LayerId("restored")).empty();
  CHECK(driver.list() == std::vector{LayerId("top")});
}

TEST_CASE("btrfs limits writable layers", "[drivers][btrfs]") {
  LoopDisk const disk("mkfs.btrfs -q");
  if (!disk.works()) {
    WARN("skipped: no btrfs can be mounted here");
    return;
  }
  Place const place(disk);
  auto driver = place.open({.size = 2 << 20, .min_space = 1 << 20});
  create_layer(driver, LayerId("base"), {}, {file("a", std::string(4 << 20, 'x'))});  // not limited
  LayerId const box("box");
  auto const write_to_box = [&](std::size_t size) {
    try {
      strata::sys::replace_file(place.layer("box") / "written", std::string(size, 'x'));
      return 0;
    } catch (Error const& error) {
      return error.code().value();
    }
  };
  driver.publish(box, driver.stage({.writable = true}));
  CHECK(strata::sys::read_file(place.dir / "g/btrfs/quotas/box") == std::to_string(2 << 20));
  CHECK(mode_of(place.dir / "g/btrfs/quotas") == 0700);
  CHECK(mode_of(place.dir / "g/btrfs/quotas/box") == 0644);
  CHECK(write_to_box(4 << 20) == EDQUOT);
  CHECK(write_to_box(1 << 20) == 0);

  // its contents exchanged, the limit stays
  {
    auto copy = driver.stage({.copy_of = box, .writable = true});
    driver.replace(box, copy);
  }
  CHECK(write_to_box(4 << 20) == EDQUOT);
  // another opener, that has no limit of its own, keeps the recorded one
  auto other = place.open();
  other.mount(box, {});
  CHECK(write_to_box(4 << 20) == EDQUOT);
  other.remove(box).empty();
  CHECK_FALSE(fs::exists(place.dir / "g/btrfs/quotas/box"));

  auto small = place.open({.size = 1 << 10, .min_space = 1 << 20});
  CHECK_THROWS_WITH(small.stage({.writable = true}),
                    Catch::Contains("btrfs: storage size cannot be less than 1.049MB"));
  CHECK(small.list() == std::vector{LayerId("base")});
}

TEST_CASE("a btrfs opened for reading changes nothing", "[drivers][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  Place const place(*disk);
  {
    auto driver = place.open();
    create_layer(driver, LayerId("base"), {}, {file("a", "text")});
    driver.shutdown();
  }
  auto driver = place.open({}, true);
  CHECK(strata::testing::read_layer_file(driver, LayerId("base"), "a") == "text");
  CHECK(code_of([&] { driver.stage({}); }) == Errc::store_read_only);
  CHECK(code_of([&] { driver.remove(LayerId("base")); }) == Errc::store_read_only);
  CHECK_FALSE(strata::sys::find_mount(place.dir / "g/btrfs"));
}
