#include <strata/archive/tar_writer.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/fs.hpp>
#include <strata/testing/driver_suite.hpp>
#include <strata/tree/override_stat.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <sys/stat.h>
#include <vector>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using strata::LayerId;
using strata::archive::EntryType;
using strata::drivers::Overlay;
using strata::testing::code_of;
using strata::testing::create_layer;
using strata::testing::Entry;

namespace {

struct Place {
  strata::testing::TempDir dir{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  Overlay open(Overlay::Options const& options = {}) const {
    return {{.graph_root = dir / "graph", .run_root = dir / "run"}, options};
  }
  fs::path diff(std::string const& id) const { return dir / "graph/overlay" / id / "diff"; }
};

bool can_mount() {
  if (::geteuid() == 0) return true;
  WARN("skipped: overlay mounts need root");
  return false;
}

struct stat status_of(fs::path const& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

std::string real(fs::path const& path) {
  return strata::sys::get_xattr(path, strata::archive::override_stat_xattr).value_or("none");
}

std::vector<Entry> entries() {
  auto setuid = strata::testing::file("setuid", "1", 04755);
  setuid.header.uid = 7;
  setuid.header.gid = 8;
  setuid.header.xattrs = {{"user.containers.override_stat", "1:1:0777"}};
  auto device = Entry{strata::testing::header(EntryType::char_device, "device", 0600)};
  device.header.dev_major = 5;
  device.header.dev_minor = 1;
  return {strata::testing::directory("sticky", 01777),
          setuid,
          strata::testing::hard_link("again", "setuid"),
          {strata::testing::header(EntryType::fifo, "fifo", 0640)},
          device,
          strata::testing::symbolic_link("link", "setuid"),
          strata::testing::file("implicit/file", "2", 0600)};
}

}  // namespace

TEST_CASE("with force_mask files have one mode, and an attribute that tells what they are",
          "[drivers][overlay]") {
  if (!can_mount()) return;
  Place const place;
  auto driver = place.open({.force_mask = 0755});
  create_layer(driver, LayerId("base"), {}, entries());
  auto const base = place.diff("base");
  CHECK(real(base) == "0:0:0555:dir");
  CHECK((status_of(base).st_mode & 07777) == 0755);
  CHECK(real(base / "setuid") == "7:8:4755:file");  // not what the archive had in that attribute
  CHECK(real(base / "sticky") == "0:0:1777:dir");
  CHECK(real(base / "fifo") == "0:0:0640:pipe");
  CHECK(real(base / "device") == "0:0:0600:char-5-1");
  CHECK(real(base / "link") == "none");
  CHECK(real(base / "implicit") == "none");
  for (auto const* name : {"setuid", "fifo", "device", "implicit/file"}) {
    auto const status = status_of(base / name);
    CHECK(S_ISREG(status.st_mode));
    CHECK((status.st_mode & 07777) == 0755);
    CHECK(status.st_uid == ::geteuid());
  }

  SECTION("an archive of it has them as they were") {
    std::string tar = strata::testing::diff_of(driver, LayerId("base"), std::nullopt);
    auto const found = strata::testing::read_archive(tar);
    CHECK(found.at("setuid").header.mode == 04755);
    CHECK(found.at("setuid").header.uid == 7);
    CHECK(found.at("setuid").header.xattrs.empty());
    CHECK(found.at("fifo").header.type == EntryType::fifo);
    CHECK(found.at("device").header.type == EntryType::char_device);
    CHECK(found.at("device").header.dev_major == 5);
    CHECK(found.at("sticky").header.mode == 01777);
  }
  SECTION("a layer over it has the real mode of its root, forced or not") {
    create_layer(driver, LayerId("top"), LayerId("base"), {});
    CHECK(real(place.diff("top")) == "0:0:0555:dir");
    auto plain = place.open();
    create_layer(plain, LayerId("plain"), LayerId("base"), {});
    CHECK((status_of(place.diff("plain")).st_mode & 07777) == 0555);
    CHECK(real(place.diff("plain")) == "none");
  }
  SECTION("writable layers are refused without a mount program") {
    CHECK_THROWS_WITH(driver.stage({.writable = true}),
                      Catch::StartsWith("overlay: force_mask option for writeable layers is only supported "
                                        "with a mount_program"));
  }
  driver.shutdown();
}

TEST_CASE("fuse-overlayfs shows a layer made with force_mask as it really is", "[drivers][overlay]") {
  if (!can_mount()) return;
  auto const program = strata::drivers::overlay::find_program("fuse-overlayfs");
  if (program.empty() || !fs::exists("/dev/fuse")) {
    WARN("skipped: needs fuse-overlayfs and /dev/fuse");
    return;
  }
  Place const place;
  auto driver = place.open({.mount_program = program, .force_mask = 0755});
  create_layer(driver, LayerId("base"), {}, entries());
  driver.publish(LayerId("box"), driver.stage({.parent = LayerId("base"), .writable = true}));
  auto const root = driver.mount(LayerId("box"), {});
  auto const shown = status_of(root / "setuid");
  CHECK((shown.st_mode & 07777) == 04755);
  CHECK(shown.st_uid == 7);
  CHECK(shown.st_gid == 8);
  CHECK((status_of(root / "sticky").st_mode & 07777) == 01777);
  REQUIRE(::chmod((root / "setuid").c_str(), 0600) == 0);
  CHECK((status_of(root / "setuid").st_mode & 07777) == 0600);
  CHECK((status_of(place.diff("box") / "setuid").st_mode & 07777) !=
        0600);  // in the attribute, not in the mode
  CHECK_THAT(real(place.diff("box") / "setuid"), Catch::StartsWith("7:8:"));
  driver.unmount(LayerId("box"));
  driver.shutdown();
}
