#include <strata/sys/file.hpp>
#include <strata/sys/staging_ownership.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace strata;

TEST_CASE("of staging directories those in use are told from what the dead left",
          "[sys][staging_ownership]") {
  testing::TempDir const dir;
  auto const root = dir.path().native();
  std::vector<Ownership> found;
  own_staging_directories(root + "/absent", found);
  own_staging_directories(root, found);
  CHECK(found.empty());

  auto living = sys::StagingDirectory::create(root);
  auto const building = living.next_addition().native();
  REQUIRE(::mkdir(building.c_str(), 0700) == 0);
  sys::make_directories(root + "/unwanted", 0700);
  living.take(root + "/unwanted");
  auto const dead = root + "/temp-dir-dead";
  sys::make_directories(dead + "/0", 0700);
  sys::make_directories(root + "/something-else", 0700);

  found.push_back({.path = "kept"});
  own_staging_directories(root, found);
  CHECK(found.front().path.native() == "kept");
  auto const of = [&](UsageClass kind, bool removable) {
    return std::ranges::count_if(
        found, [&](Ownership const& each) { return each.kind == kind && each.removable == removable; });
  };
  CHECK(found.size() == 4);
  CHECK(of(UsageClass::staged, false) == 1);  // what is being built belongs to it
  CHECK(of(UsageClass::trash, false) == 1);   // being deleted
  REQUIRE(of(UsageClass::trash, true) == 1);
  auto const removable = std::ranges::find_if(found, &Ownership::removable);
  CHECK(removable->path.native() == dead);
}
