#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/testing/driver_suite.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "../sys/loop_disk.hpp"
#include <array>
#include <cstddef>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <new>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using strata::DriverPlace;
using strata::Errc;
using strata::LayerId;
using strata::drivers::Vfs;
using strata::testing::code_of;
using strata::testing::create_layer;
using strata::testing::directory;
using strata::testing::file;

namespace {

std::string subject_of(std::vector<std::string> const& options) {
  try {
    Vfs::Options::parse(options);
  } catch (strata::Error const& error) {
    CHECK(error.code() == Errc::driver_option);
    return error.subject();
  }
  return {};
}

unsigned mode_of(strata::fs::path const& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

bool is_empty_directory(strata::fs::path const& path) {
  return strata::fs::directory_iterator(path) == strata::fs::directory_iterator();
}

}  // namespace

TEST_CASE("drivers::Vfs keeps the driver contract", "[drivers][vfs]") {
  strata::testing::driver_suite<Vfs>();
}

TEST_CASE("vfs has the directories and modes of containers/storage", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  Vfs driver({.graph_root = place / "g", .run_root = place / "r"});
  CHECK(mode_of(place / "g/vfs") == 0700);
  CHECK(mode_of(place / "g/vfs/dir") == 0700);
  create_layer(driver, LayerId("base"), {}, {file("a", "text")});
  CHECK(mode_of(place / "g/vfs/dir/base") == 0555);
  create_layer(driver, LayerId("open"), {}, {directory("./", 0755), file("a", "text")});
  CHECK(mode_of(place / "g/vfs/dir/open") == 0755);
  create_layer(driver, LayerId("child"), LayerId("open"), {});
  CHECK(mode_of(place / "g/vfs/dir/child") == 0755);
  CHECK(driver.mount(LayerId("child"), {.options = {"ro"}}) == place / "g/vfs/dir/child");
  CHECK(is_empty_directory(place / "g/vfs/tempdirs"));
}

TEST_CASE("vfs removes by renaming into a temp-dir, to be emptied later", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  Vfs driver({.graph_root = place / "g", .run_root = place / "r"});
  create_layer(driver, LayerId("base"), {}, {file("a", "text")});
  auto trash = driver.remove(LayerId("base"));
  CHECK(is_empty_directory(place / "g/vfs/dir"));
  CHECK_FALSE(is_empty_directory(place / "g/vfs/tempdirs"));
  driver.recover();  // not another's while it is in use
  CHECK_FALSE(is_empty_directory(place / "g/vfs/tempdirs"));
  trash.empty();
  CHECK(is_empty_directory(place / "g/vfs/tempdirs"));
}

TEST_CASE("vfs cleans up after a process of another program that died", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  Vfs driver({.graph_root = place / "g", .run_root = place / "r"});
  strata::fs::create_directories(place / "g/vfs/tempdirs/temp-dir-17/0-abc/etc");
  strata::fs::ofstream(place / "g/vfs/tempdirs/lock-17");
  strata::fs::ofstream(place / "g/vfs/tempdirs/somebody-else's");
  driver.recover();
  CHECK_FALSE(strata::fs::exists(place / "g/vfs/tempdirs/temp-dir-17"));
  CHECK_FALSE(strata::fs::exists(place / "g/vfs/tempdirs/lock-17"));
  CHECK(strata::fs::exists(place / "g/vfs/tempdirs/somebody-else's"));
}

TEST_CASE("vfs takes no mount options", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  Vfs driver({.graph_root = place / "g", .run_root = place / "r"});
  create_layer(driver, LayerId("base"), {}, {});
  CHECK(code_of([&] { driver.mount(LayerId("base"), {.options = {"nodev"}}); }) == Errc::unsupported);
  CHECK(subject_of({"vfs.mountopt=nodev"}) == "vfs driver does not support mount options");
}

TEST_CASE("vfs options: its own, others passed over, unknown ones named", "[drivers][vfs]") {
  CHECK(Vfs::Options::parse({"vfs.ignore_chown_errors=true"}).ignore_chown_errors);
  CHECK(Vfs::Options::parse({".ignore_chown_errors=1"}).ignore_chown_errors);
  CHECK_FALSE(Vfs::Options::parse({"ignore_chown_errors=F"}).ignore_chown_errors);
  CHECK_FALSE(
      Vfs::Options::parse({"overlay.mountopt=nodev", "overlay2.size=1", "btrfs.min_space=1", "zfs.fsname=x"})
          .ignore_chown_errors);
  CHECK(Vfs::Options::parse({"vfs.imagestore=/a,/b"}).image_stores ==
        std::vector<strata::fs::path>{"/a", "/b"});
  CHECK(subject_of({"bogus=1"}) == "vfs driver does not support bogus options");
  CHECK(subject_of({"vfs.bogus=1"}) == "vfs driver does not support vfs.bogus options");
  CHECK_FALSE(subject_of({"ignore_chown_errors=perhaps"}).empty());
  CHECK_FALSE(subject_of({"bogus"}).empty());
}

TEST_CASE("vfs sees the layers of image stores, and leaves them alone", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  {
    Vfs other({.graph_root = place / "shared", .run_root = place / "r"});
    create_layer(other, LayerId("base"), {}, {file("a", "text")});
  }
  Vfs driver({.graph_root = place / "g", .run_root = place / "r"},
             Vfs::Options{.image_stores = {place / "shared"}});
  CHECK(driver.exists(LayerId("base")));
  CHECK(driver.list().empty());
  create_layer(driver, LayerId("top"), LayerId("base"), {file("b", "more")});
  CHECK(strata::testing::describe(driver.changes({LayerId("top"), LayerId("base")})) == "+/b ");
  driver.remove(LayerId("base")).empty();
  CHECK(strata::fs::exists(place / "shared/vfs/dir/base/a"));
}

TEST_CASE("a vfs opened for reading changes nothing", "[drivers][vfs]") {
  strata::testing::TempDir const place;
  {
    Vfs driver({.graph_root = place / "g", .run_root = place / "r"});
    create_layer(driver, LayerId("base"), {}, {file("a", "text")});
  }
  Vfs driver({.graph_root = place / "g", .run_root = place / "r", .read_only = true});
  CHECK(strata::testing::read_layer_file(driver, LayerId("base"), "a") == "text");
  CHECK(code_of([&] { driver.stage({}); }) == Errc::store_read_only);
  CHECK(code_of([&] { driver.remove(LayerId("base")); }) == Errc::store_read_only);
  Vfs const none({.graph_root = place / "none", .run_root = place / "r", .read_only = true});
  CHECK(none.list().empty());
  CHECK_FALSE(strata::fs::exists(place / "none"));
}

TEST_CASE("vfs shares the blocks of files with the parent where the file system can", "[drivers][vfs]") {
  LoopDisk const disk("mkfs.xfs -q -m reflink=1");
  if (!disk.works()) {
    WARN("skipped: no XFS can be mounted here");
    return;
  }
  Vfs driver({.graph_root = disk.path() / "g", .run_root = disk.path() / "r"});
  std::size_t const size = 16 << 20;
  create_layer(driver, LayerId("base"), {}, {file("large", std::string(size, 'x'))});
  create_layer(driver, LayerId("top"), LayerId("base"), {file("small", "y")});
  auto const free = [&] { return strata::fs::space(disk.path()).free; };
  auto const before = free();
  for (int i = 0; i < 20; ++i)
    create_layer(driver, LayerId("child" + std::to_string(i)), LayerId("base"), {});
  CHECK(before - free() < size);  // twenty copies in less than the space of one
  auto const is_shared = [&](std::string const& id, std::string const& name) {
    auto const fd = strata::sys::open_at(AT_FDCWD, disk.path() / "g/vfs/dir" / id / name, O_RDONLY);
    REQUIRE(::fsync(fd.get()) == 0);
    alignas(fiemap) std::array<std::byte, sizeof(fiemap) + sizeof(fiemap_extent)> room{};
    auto* const asked = std::launder(reinterpret_cast<fiemap*>(room.data()));
    asked->fm_length = FIEMAP_MAX_OFFSET;
    asked->fm_extent_count = 1;
    REQUIRE(::ioctl(fd.get(), FS_IOC_FIEMAP, asked) == 0);
    REQUIRE(asked->fm_mapped_extents == 1);
    return (asked->fm_extents[0].fe_flags & FIEMAP_EXTENT_SHARED) != 0;
  };
  CHECK(is_shared("top", "large"));
  CHECK_FALSE(is_shared("top", "small"));
}
