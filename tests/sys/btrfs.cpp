#include <strata/fs.hpp>
#include <strata/sys/btrfs.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "loop_disk.hpp"
#include <cerrno>
#include <string>

using namespace strata;
namespace fs = boost::filesystem;

namespace {
int code_of(auto&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code().value();
  }
  return 0;
}
}  // namespace

TEST_CASE("a snapshot begins with what its source has, and goes its own way", "[sys][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  testing::TempDir const dir(disk->path());
  CHECK(sys::btrfs::is_btrfs(dir.path()));
  CHECK_FALSE(sys::btrfs::is_btrfs("/proc"));
  sys::btrfs::create_subvolume(dir / "a");
  CHECK(sys::btrfs::is_subvolume(dir / "a"));
  CHECK_FALSE(sys::btrfs::is_subvolume(dir / "none"));
  CHECK_FALSE(sys::btrfs::is_subvolume(dir.path()));
  sys::replace_file(dir / "a/file", "old");
  sys::btrfs::snapshot(dir / "a", dir / "b");
  sys::replace_file(dir / "b/file", "new");
  CHECK(sys::read_file(dir / "a/file") == "old");
  CHECK(sys::read_file(dir / "b/file") == "new");
  CHECK(code_of([&] { sys::btrfs::create_subvolume(dir / "a"); }) == EEXIST);
  CHECK(code_of([&] { sys::btrfs::create_subvolume(dir / std::string(256, 'n')); }) == ENAMETOOLONG);
  fs::create_directory(dir / "plain");
  CHECK(code_of([&] { sys::btrfs::snapshot(dir / "plain", dir / "c"); }) == EINVAL);
}

TEST_CASE("a subvolume is deleted with those in it, read-only ones and many at once included",
          "[sys][btrfs]") {
  auto const* disk = shared_btrfs();
  if (!disk) return;
  testing::TempDir const dir(disk->path());
  sys::btrfs::create_subvolume(dir / "a");
  fs::create_directories(dir / "a/d/e");
  sys::btrfs::create_subvolume(dir / "a/d/e/inner");
  sys::btrfs::create_subvolume(dir / "a/d/e/inner/deep");
  sys::replace_file(dir / "a/d/e/inner/deep/file", "x");
  sys::btrfs::create_subvolume(dir / "a/beside");
  REQUIRE(LoopDisk::run("btrfs subvolume snapshot -r " + (dir / "a/d/e/inner").native() + ' ' +
                        (dir / "a/fixed").native()));
  SECTION("by its name") {
    sys::Fd const parent = sys::open_at(AT_FDCWD, dir.path(), O_PATH | O_DIRECTORY);
    CHECK(sys::btrfs::try_destroy_subvolume(parent.get(), "a"));
    CHECK_FALSE(sys::btrfs::try_destroy_subvolume(parent.get(), "a"));
    fs::create_directory(dir / "plain");
    CHECK_FALSE(sys::btrfs::try_destroy_subvolume(parent.get(), "plain"));
  }
  SECTION("as a part of a tree") {
    for (int i = 0; i < 300; ++i) sys::btrfs::create_subvolume(dir / "a/d" / std::to_string(i));
    fs::create_directories(dir / "tree/in");
    fs::rename(dir / "a", dir / "tree/in/a");
    CHECK(sys::remove_tree(dir / "tree"));
  }
  CHECK_FALSE(fs::exists(dir / "a"));
  CHECK_FALSE(fs::exists(dir / "tree"));
}

TEST_CASE("a limited subvolume takes no more than its limit", "[sys][btrfs]") {
  LoopDisk const own("mkfs.btrfs -q");  // quotas are the whole file system's
  if (!own.works()) {
    WARN("skipped: no btrfs can be mounted here");
    return;
  }
  auto const a = own.path() / "a";
  sys::btrfs::create_subvolume(a);
  CHECK(code_of([&] { sys::btrfs::limit(a, 1 << 20); }) != 0);
  sys::btrfs::enable_quota(own.path());
  sys::btrfs::enable_quota(own.path());
  sys::btrfs::limit(a, 1 << 20);
  CHECK(code_of([&] { sys::replace_file(a / "large", std::string(4 << 20, 'x')); }) == EDQUOT);
  sys::replace_file(a / "small", std::string(100 << 10, 'x'));
  sys::remove_tree(a);
  CHECK_FALSE(fs::exists(a));
}
