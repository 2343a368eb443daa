#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/disk_tree.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/resolve.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

using namespace strata;
using archive::DiskTree;
using archive::MemoryTree;
using archive::resolve;

namespace {

using Links = std::vector<std::string>;

/// The same names in a tree of either kind.
template <class Tree>
void fill(Tree& tree) {
  auto const root = tree.open_root();
  REQUIRE(Tree::make_directory(Tree::ref(root), "a", 0755) == 0);
  auto const a = tree.open("a");
  REQUIRE(Tree::make_directory(Tree::ref(a), "b", 0755) == 0);
  REQUIRE(Tree::make_symlink(Tree::ref(a), "up", "..") == 0);
  REQUIRE(Tree::make_symlink(Tree::ref(a), "out", "../../../a/b") == 0);
  typename Tree::Handle file;
  REQUIRE(Tree::make_file(Tree::ref(a), "file", 0644, file) == 0);
  for (auto const& [name, target] : {std::pair{"rel", "a/b"},
                                     {"abs", "/a"},
                                     {"twice", "abs/b"},
                                     {"loop", "loop"},
                                     {"lost", "a/none/x"},
                                     {"to-file", "a/file"},
                                     {"dots", "./a/./b/../b/"}})
    REQUIRE(Tree::make_symlink(Tree::ref(root), name, target) == 0);
}

template <class Tree>
void leads_as_in_a_container(Tree tree) {
  fill(tree);
  auto const path = [&](std::string_view from) {
    auto const at = resolve(tree, from);
    INFO(from);
    REQUIRE(at.found());
    CHECK(at.place.directory);
    return at.place.path;
  };
  CHECK(path("").empty());
  CHECK(path("a/b") == "a/b");
  CHECK(path("rel") == "a/b");
  CHECK(path("abs/b") == "a/b");
  CHECK(path("twice") == "a/b");
  CHECK(path("dots") == "a/b");
  CHECK(path("a/up").empty());
  CHECK(path("a/up/a/up/a") == "a");
  CHECK(path("a/out") == "a/b");  // the root's parent is the root

  auto const linked = resolve(tree, "twice");
  CHECK(linked.place.links == Links{"twice", "abs"});
  CHECK(linked.place.left.empty());
  CHECK(resolve(tree, "a/up").place.left == Links{"a"});
}

template <class Tree>
void says_how_far_it_came(Tree tree) {
  fill(tree);
  auto const missing = resolve(tree, "a/b/c/d");
  CHECK_FALSE(missing.found());
  CHECK(missing.place.path == "a/b");
  CHECK(missing.rest == "c/d");
  CHECK_FALSE(missing.blocked);
  CHECK_FALSE(missing.led_astray);

  auto const blocked = resolve(tree, "a/file/d");
  CHECK(blocked.place.path == "a");
  CHECK(blocked.rest == "file/d");
  CHECK(blocked.blocked);
  CHECK_FALSE(blocked.led_astray);

  auto const beyond = resolve(tree, "rel/c");  // of the path itself, behind a link that led somewhere
  CHECK(beyond.place.path == "a/b");
  CHECK(beyond.rest == "c");
  CHECK_FALSE(beyond.led_astray);

  auto const lost = resolve(tree, "lost/y");
  CHECK(lost.place.path == "a");
  CHECK(lost.rest == "none/x/y");
  CHECK(lost.led_astray);
  CHECK_FALSE(lost.blocked);

  auto const file = resolve(tree, "to-file");
  CHECK(file.blocked);
  CHECK(file.led_astray);

  auto const loop = resolve(tree, "loop");
  CHECK(loop.led_astray);
  CHECK(loop.rest.empty());
  CHECK_FALSE(loop.found());
}

struct OnDisk {
  testing::TempDir directory;
  DiskTree tree() const {
    return DiskTree(sys::open_at(AT_FDCWD, directory.path().native(), O_PATH | O_DIRECTORY));
  }
};

}  // namespace

TEST_CASE("paths lead in a tree as they do with the tree as the root", "[tree][resolve]") {
  leads_as_in_a_container(MemoryTree());
  OnDisk const disk;
  leads_as_in_a_container(disk.tree());
}

TEST_CASE("a path that leads nowhere says where it ended, and why", "[tree][resolve]") {
  says_how_far_it_came(MemoryTree());
  OnDisk const disk;
  says_how_far_it_came(disk.tree());
}

TEST_CASE("forty links are followed, one more is not", "[tree][resolve]") {
  MemoryTree tree;
  auto* const root = &tree.root();
  REQUIRE(MemoryTree::make_directory(root, "end", 0755) == 0);
  std::string target = "end";
  for (int i = 1; i <= 41; ++i) {
    auto const name = "l" + std::to_string(i);
    REQUIRE(MemoryTree::make_symlink(root, name, target) == 0);
    target = name;
  }
  CHECK(resolve(tree, "l40").found());
  CHECK(resolve(tree, "l40").place.links.size() == 40);
  CHECK(resolve(tree, "l41").led_astray);
}

TEST_CASE("two paths are joined with a slash only where both have something", "[tree][resolve]") {
  CHECK(archive::join("a", "b") == "a/b");
  CHECK(archive::join("", "b") == "b");
  CHECK(archive::join("a", "") == "a");
  CHECK(archive::join("", "").empty());
}
