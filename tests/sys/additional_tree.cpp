#include <strata/sys/additional_tree.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <sys/stat.h>
#include <utility>

using namespace strata;

TEST_CASE("a layer of another program is whole with its tree, its description and its archive",
          "[sys][additional_tree]") {
  testing::TempDir const dir;
  auto const layer = dir.path().native() + "/layer";
  CHECK_FALSE(AdditionalTree::is_whole(layer));
  sys::make_directories(layer + "/diff", 0700);
  sys::replace_file(layer + "/info", "{}");
  CHECK_FALSE(AdditionalTree::is_whole(layer));
  sys::replace_file(layer + "/blob", "");
  CHECK(AdditionalTree::is_whole(layer));

  AdditionalTree const tree(layer);
  CHECK(tree.path().native() == layer);
  CHECK(tree.diff().native() == layer + "/diff");
  CHECK(tree.info().native() == layer + "/info");
  CHECK(tree.blob().native() == layer + "/blob");
}

TEST_CASE("users are counted by files that come and go: on a disk nothing is left of them",
          "[sys][additional_tree]") {
  testing::TempDir const dir;
  auto const used = dir.path().native() + "/used", empty = dir.path().native() + "/empty";
  sys::make_directories(used + "/diff", 0700);
  sys::make_directories(empty, 0700);
  {
    AdditionalTree tree(used);
    CHECK_FALSE(sys::is_present(used + "/use"));
    auto moved = std::move(tree);
    CHECK(tree.path().empty());
    CHECK(moved.path().native() == used);
  }
  CHECK(sys::is_present(used + "/diff"));
  {
    AdditionalTree tree(used);
    tree = AdditionalTree(empty);
    CHECK(tree.path().native() == empty);
    CHECK(sys::is_present(empty));
  }
  CHECK_FALSE(sys::is_present(empty));  // an rmdir is what tells the other program
}

TEST_CASE("a path that is not absolute is no other program's", "[sys][additional_tree]") {
  testing::TempDir const dir;
  AdditionalTree::give_back("relative");
  AdditionalTree::announce("");
  AdditionalTree const none{""};
  CHECK(none.path().empty());
}
