#include <strata/fs.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "../sys/loop_disk.hpp"
#include <array>
#include <cstddef>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>

using namespace strata;

namespace {

std::string noise(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  std::string text(size, '\0');
  for (auto& c : text) c = static_cast<char>(random() >> 8U);
  return text;
}

void put(fs::path const& path, std::string const& text) {
  sys::make_directories(path.parent_path(), 0755);
  sys::replace_file(path, text, {.mode = 0644, .flush = Flush::full});
}

/// Where a file's first bytes lie on the device.
std::uint64_t place_on_device(fs::path const& path) {
  alignas(fiemap) std::array<std::byte, sizeof(fiemap) + sizeof(fiemap_extent)> space{};
  auto* const map = reinterpret_cast<fiemap*>(space.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = 1;
  auto const file = sys::open_at(AT_FDCWD, path, O_RDONLY);
  if (::ioctl(file.get(), FS_IOC_FIEMAP, map) != 0) sys::throw_errno("fiemap", path);
  REQUIRE(map->fm_mapped_extents == 1);
  return map->fm_extents[0].fe_physical;
}

/// A file system that shares blocks; the second time the same.
LoopDisk const* disk_of(std::string const& kind) {
  if (kind == "btrfs") return shared_btrfs();
  static LoopDisk const xfs("mkfs.xfs -q -m reflink=1");
  if (!xfs.works()) WARN("skipped: no XFS can be mounted here");
  return xfs.works() ? &xfs : nullptr;
}

}  // namespace

TEST_CASE("equal files of several trees share their blocks", "[store][dedup]") {
  auto const kind = GENERATE(as<std::string>(), "xfs", "btrfs");
  auto const method = GENERATE(EqualBy::crc, EqualBy::size, EqualBy::sha256);
  auto const* const disk = disk_of(kind);
  if (disk == nullptr) return;
  CAPTURE(kind, static_cast<int>(method));
  testing::TempDir dir(disk->path());
  auto const same =
      noise(20'000'000, 1);  // more than the kernel shares at a time, and no whole number of blocks
  auto const other = noise(20'000'000, 2);
  put(dir / "a/x/same", same);
  put(dir / "b/same too", same);
  put(dir / "c/same", same);
  put(dir / "c/other", other);
  put(dir / "c/alone", noise(500'000, 3));
  put(dir / "c/empty", "");
  put(dir / "d/empty", "");
  struct stat before {};
  REQUIRE(::stat((dir / "b/same too").c_str(), &before) == 0);
  REQUIRE(place_on_device(dir / "a/x/same") != place_on_device(dir / "c/same"));

  auto const result = dedup_trees({dir / "a", dir / "b", dir / "c", dir / "d", dir / "missing"},
                                  {.equal_by = method, .control = {}});
  CHECK(result.bytes == 40'000'000);
  CHECK(result.files == 2);
  CHECK(place_on_device(dir / "a/x/same") == place_on_device(dir / "c/same"));
  CHECK(place_on_device(dir / "a/x/same") == place_on_device(dir / "b/same too"));
  CHECK(place_on_device(dir / "a/x/same") != place_on_device(dir / "c/other"));
  for (auto const name : {"a/x/same", "b/same too", "c/same"}) CHECK(sys::read_file(dir / name) == same);
  CHECK(sys::read_file(dir / "c/other") == other);
  struct stat after {};
  REQUIRE(::stat((dir / "b/same too").c_str(), &after) == 0);
  CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec);
  CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

TEST_CASE("hard links count as one file", "[store][dedup]") {
  auto const* const disk = disk_of("xfs");
  if (disk == nullptr) return;
  testing::TempDir dir(disk->path());
  put(dir / "a/file", noise(100'000, 1));
  fs::create_hard_link(dir / "a/file", dir / "a/link");
  CHECK(dedup_trees({dir / "a", dir / "a"}).bytes == 0);
}

TEST_CASE("symbolic links out of a tree are not followed", "[store][dedup]") {
  auto const* const disk = disk_of("xfs");
  if (disk == nullptr) return;
  testing::TempDir dir(disk->path());
  put(dir / "outside/file", noise(100'000, 1));
  put(dir / "a/file", noise(100'000, 1));
  fs::create_directory_symlink(dir / "outside", dir / "a/link");
  fs::create_symlink(dir / "outside/file", dir / "a/file link");
  CHECK(dedup_trees({dir / "a"}).bytes == 0);
}

TEST_CASE("deduplication does nothing where blocks cannot be shared", "[store][dedup]") {
  testing::TempDir dir("/dev/shm");
  put(dir / "a", noise(10'000, 1));
  put(dir / "b", noise(10'000, 1));
  CHECK(dedup_trees({dir.path()}).bytes == 0);
}

TEST_CASE("deduplication reports progress and can be stopped", "[store][dedup]") {
  testing::TempDir dir("/dev/shm");
  put(dir / "a", noise(10'000, 1));
  Progress last;
  dedup_trees({dir.path()}, {.control = {.progress = [&](Progress const& now) { last = now; }, .stop = {}}});
  CHECK(last.phase == Phase::dedup);
  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(dedup_trees({dir.path()}, {.control = {.progress = {}, .stop = source.get_token()}}),
                  Error);
}
