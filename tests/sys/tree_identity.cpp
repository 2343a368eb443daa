#include <strata/sys/tree_identity.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "loop_disk.hpp"
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using strata::sys::tree_identity;

TEST_CASE("a directory is told from one of its name by its inode", "[sys][tree_identity]") {
  strata::testing::TempDir const dir;
  auto const one = dir.path().native() + "/one", other = dir.path().native() + "/other";
  CHECK_FALSE(tree_identity(one));
  REQUIRE(::mkdir(one.c_str(), 0700) == 0);
  REQUIRE(::mkdir(other.c_str(), 0700) == 0);
  auto const before = tree_identity(one);
  REQUIRE(before);
  CHECK(before == tree_identity(one));
  CHECK(before != tree_identity(other));
  REQUIRE(::rename(one.c_str(), (dir.path().native() + "/moved").c_str()) == 0);
  CHECK(tree_identity(dir.path().native() + "/moved") == before);
  REQUIRE(::rename(other.c_str(), one.c_str()) == 0);
  CHECK(tree_identity(one) != before);
}

TEST_CASE("what is no directory has no identity", "[sys][tree_identity]") {
  CHECK_FALSE(tree_identity("/dev/null"));
}

TEST_CASE("subvolumes, whose roots have one inode number, are told apart", "[sys][tree_identity]") {
  auto const* const disk = shared_btrfs();
  if (disk == nullptr) return;
  auto const top = disk->path().native() + "/identity-";
  REQUIRE(LoopDisk::run("btrfs subvolume create " + top + "one"));
  REQUIRE(LoopDisk::run("btrfs subvolume create " + top + "two"));
  auto const one = tree_identity(top + "one"), two = tree_identity(top + "two");
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one != two);
  CHECK(one == tree_identity(top + "one"));
}
