#include <strata/drivers/overlay.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/fs.hpp>
#include <strata/testing/driver_suite.hpp>

#include <catch2/catch.hpp>

#include "../../sys/loop_disk.hpp"
#include <cerrno>
#include <string>
#include <sys/stat.h>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using strata::LayerId;
using strata::drivers::Overlay;
using strata::testing::create_layer;
using strata::testing::file;

namespace {

int write_error(fs::path const& path, std::size_t size) {
  try {
    strata::sys::replace_file(path, std::string(size, 'x'));
    return 0;
  } catch (Error const& error) {
    return error.code().value();
  }
}

bool is_full(int error) { return error == EDQUOT || error == ENOSPC; }

void check_limits(fs::path const& top) {
  auto const home = top / "graph/overlay";
  strata::DriverPlace const place{.graph_root = top / "graph", .run_root = top / "run"};
  Overlay driver(place, {.size = 4 << 20, .inodes = 200});
  auto const base = strata::drivers::overlay::project_base(home);
  create_layer(driver, LayerId("base"), {}, {file("large", std::string(8 << 20, 'x'))});  // not limited
  CHECK(strata::sys::project_of(home / "base") == 0);
  for (auto const* id : {"one", "two"})
    driver.publish(LayerId(id), driver.stage({.parent = LayerId("base"), .writable = true}));
  CHECK(strata::sys::project_of(home / "one") == base + 1);
  CHECK(strata::sys::project_of(home / "two/diff") == base + 2);
  auto const root = driver.mount(LayerId("one"), {});
  CHECK(is_full(write_error(root / "much", 8 << 20)));
  CHECK(write_error(root / "little", 1 << 20) == 0);
  int made = 0;
  while (made < 1000 && write_error(root / ("file" + std::to_string(made)), 1) == 0) ++made;
  CHECK(made > 100);
  CHECK(made < 200);
  // A layer that is full is mounted read-only: the kernel finds no room for its work directory.
  for (int i = 0; i < made; ++i) fs::remove(root / ("file" + std::to_string(i)));
  driver.unmount(LayerId("one"));

  // contents exchanged, the limit stays; those of a copy belong to it before anybody holds a lock
  auto copy = driver.stage({.parent = LayerId("base"), .copy_of = LayerId("one"), .writable = true});
  strata::testing::add_all(copy, {file("added", "x")});
  copy.finish();
  CHECK(strata::sys::project_of(copy.diff()) == base + 1);
  CHECK(strata::sys::project_of(copy.diff() / "added") == base + 1);
  CHECK(strata::sys::project_of(copy.diff() / "little") == base + 1);
  driver.replace(LayerId("one"), copy);
  for (int i = 0; i < 2; ++i) {
    auto const again = driver.mount(LayerId("one"), {});
    CHECK(is_full(write_error(again / "much", 8 << 20)));
    driver.unmount(LayerId("one"));
    if (i != 0) break;
    auto other = driver.stage({.parent = LayerId("base"), .copy_of = {}, .writable = true});
    driver.replace(LayerId("one"), other);
  }
  driver.remove(LayerId("one")).empty();
  driver.remove(LayerId("two")).empty();
  CHECK(driver.list() == std::vector{LayerId("base")});
  driver.shutdown();
}

}  // namespace

TEST_CASE("limits are refused where the file system has none, in the original's words",
          "[drivers][overlay][quota]") {
  if (::geteuid() != 0) {
    WARN("skipped: overlay mounts need root");
    return;
  }
  strata::testing::TempDir const dir{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  try {
    Overlay({.graph_root = dir / "graph", .run_root = dir / "run"}, {.size = 1 << 20});
    FAIL("opened");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::driver_option);
    CHECK_THAT(error.subject(), Catch::StartsWith("storage option"));
    CHECK_THAT(error.subject(), Catch::Contains("only supported for backingFS XFS. Found ") ||
                                    Catch::Contains("Filesystem does not support Project Quota: "));
  }
}

TEST_CASE("a writable layer takes no more than its limit, on XFS", "[drivers][overlay][quota]") {
  LoopDisk const disk("mkfs.xfs -q", "loop,prjquota");
  if (!disk.works()) {
    WARN("skipped: no XFS with project quotas in this kernel");
    return;
  }
  check_limits(disk.path());
}

TEST_CASE("a writable layer takes no more than its limit, on ext4", "[drivers][overlay][quota]") {
  LoopDisk const disk("mkfs.ext4 -q -O quota,project -E quotatype=prjquota", "loop,prjquota");
  if (!disk.works()) {
    WARN("skipped: no ext4 with project quotas in this kernel");
    return;
  }
  check_limits(disk.path());
}

TEST_CASE("the numbers of projects follow the home's own, or its inode", "[drivers][overlay][quota]") {
  strata::testing::TempDir const dir;
  struct stat status {};
  REQUIRE(::stat(dir.path().c_str(), &status) == 0);
  auto const expected = 10000 + (status.st_ino * 10000) % (4294967295U - 10000);
  CHECK(strata::drivers::overlay::project_base(dir.path()) == expected);
  CHECK(strata::drivers::overlay::next_project(dir.path()) == expected + 1);
}
