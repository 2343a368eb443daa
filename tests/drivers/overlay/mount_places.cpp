#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

namespace fs = boost::filesystem;
using strata::LayerId;
using strata::drivers::overlay::LayerDirs;
using strata::drivers::overlay::MountPlaces;

TEST_CASE("own layers are mounted in their directories, others below the run root",
          "[drivers][overlay][mount]") {
  strata::testing::TempDir const dir;
  for (auto const* layer : {"home/own", "other/far"}) fs::create_directories(dir / layer / "diff");
  LayerDirs const dirs(dir / "home", {dir / "other"});
  fs::path const run_home = dir / "run";
  MountPlaces const places{dirs, run_home};
  CHECK(places.is_own(dir / "home/own"));
  CHECK_FALSE(places.is_own(dir / "other/far"));
  CHECK(places.of(LayerId("own")) == dir / "home/own/merged");
  CHECK(places.of(LayerId("far")) == dir / "run/far/merged");
  CHECK(places.of(LayerId("none")) == dir / "home/none/merged");  // where it would be

  MountPlaces const reading{dirs, run_home, true};
  CHECK_FALSE(reading.is_own(dir / "home/own"));
  CHECK(reading.of(LayerId("own")) == dir / "run/own/merged");
}

TEST_CASE("mounts for a moment are below the run root", "[drivers][overlay][mount]") {
  strata::testing::TempDir const dir;
  LayerDirs const dirs(dir / "home", {});
  fs::path const run_home = dir / "run";
  MountPlaces const places{dirs, run_home};
  CHECK(places.private_mounts().parent_path() == run_home);
  auto staging = strata::sys::StagingDirectory::create(places.private_mounts());
  auto const one = strata::drivers::overlay::make_mount_point(staging);
  auto const other = strata::drivers::overlay::make_mount_point(staging);
  CHECK(one != other);
  CHECK(fs::is_empty(one));
  CHECK(fs::is_empty(other));
}
