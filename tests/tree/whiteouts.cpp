#include <strata/tree/load_tree.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/whiteouts.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>

using namespace strata;
using archive::ApplyOptions;
using archive::MemoryTree;
using archive::Places;
using archive::TreePath;

namespace {

/// "d/" is a directory; anything else a file. What is in a directory follows it.
MemoryTree tree_of(std::initializer_list<std::string> paths) {
  MemoryTree tree;
  for (auto path : paths) {
    bool const directory = path.ends_with('/');
    if (directory) path.pop_back();
    TreePath const at(path);
    auto const parent = tree.open(at.parent);
    MemoryTree::Handle file;
    REQUIRE((directory ? MemoryTree::make_directory(parent.get(), std::string(at.base), 0755)
                       : MemoryTree::make_file(parent.get(), std::string(at.base), 0644, file)) == 0);
  }
  return tree;
}

bool is_whiteout_at(MemoryTree const& tree, std::string_view path) {
  auto const node = tree.find(path);
  return node && node->is_whiteout();
}

/// The rules of layers stored as changes, over a tree below.
struct Overlay {
  MemoryTree below_tree;
  ApplyOptions options;
  Places<MemoryTree> places;
  archive::OverlayWhiteouts<MemoryTree> rules;

  Overlay(MemoryTree layer, MemoryTree below)
      : below_tree(std::move(below)),
        options{.below = std::make_shared<archive::MemoryLower>(below_tree)},
        places(std::move(layer), options),
        rules(places, options) {}
  void add(std::string const& path) { rules.add(TreePath(path), {.name = path, .uid = 3, .gid = 4}); }
  MemoryTree& tree() { return places.tree(); }
};

/// The rules of layers stored as whole trees.
struct Executed {
  ApplyOptions options{.whiteouts = archive::Whiteouts::execute};
  Places<MemoryTree> places;
  archive::ExecutedWhiteouts<MemoryTree> rules{places};

  explicit Executed(MemoryTree tree) : places(std::move(tree), options) {}
  void add(std::string const& path) { rules.add(TreePath(path), {.name = path}); }
  MemoryTree& tree() { return places.tree(); }
};

}  // namespace

TEST_CASE("each kind of tree says which names are signs, and what of the root it applies",
          "[tree][whiteouts]") {
  archive::KeptWhiteouts<MemoryTree> kept;
  archive::PassedWhiteouts<MemoryTree> passed;
  Executed executed{MemoryTree()};
  Overlay overlay{MemoryTree(), MemoryTree()};
  CHECK_FALSE(kept.is_sign(".wh.x"));
  CHECK(passed.is_sign(".wh.x"));
  CHECK(executed.rules.is_sign(".wh..wh..opq"));
  CHECK(overlay.rules.is_sign(".wh.x"));
  CHECK_FALSE(overlay.rules.is_sign("x.wh."));
  CHECK_FALSE(kept.applies_root());
  CHECK(passed.applies_root());
  CHECK(executed.rules.applies_root());
  CHECK_FALSE(overlay.rules.applies_root());
}

TEST_CASE("executed: a whiteout removes what was there, not what the archive added", "[tree][whiteouts]") {
  Executed one(tree_of({"f", "d/", "d/old", "d/new", "other/", "other/x"}));
  one.add(".wh.f");
  CHECK_FALSE(one.tree().find("f"));
  one.rules.placed("d/new", true, "d/new");
  one.add(".wh.d");
  CHECK(one.tree().find("d/new"));
  CHECK_FALSE(one.tree().find("d/old"));
  one.add("other/.wh..wh..opq");
  CHECK(one.tree().find("other"));
  CHECK_FALSE(one.tree().find("other/x"));
  one.add(".wh.none");
  one.add("none/.wh.x");  // makes no directory
  CHECK_FALSE(one.tree().find("none"));
  CHECK(one.tree().tolerated() == std::set<std::string>{"none"});
}

TEST_CASE("overlay: a whiteout is made only where there is something to hide", "[tree][whiteouts]") {
  Overlay one(tree_of({}), tree_of({"f", "d/", "d/x", "g"}));
  one.add(".wh.f");
  CHECK(is_whiteout_at(one.tree(), "f"));
  CHECK(one.tree().find("f")->uid == 3);
  CHECK(one.tree().find("f")->gid == 4);
  one.add(".wh.none");
  CHECK_FALSE(one.tree().find("none"));
  one.add("d/.wh.x");  // its directory is made for it
  CHECK(is_whiteout_at(one.tree(), "d/x"));
  one.add("absent/.wh.x");
  CHECK_FALSE(one.tree().find("absent"));
  one.add(".wh.f");  // twice is once
  CHECK(is_whiteout_at(one.tree(), "f"));
}

TEST_CASE("overlay: a whiteout of the directory takes the place of those in it", "[tree][whiteouts]") {
  Overlay one(tree_of({}), tree_of({"d/", "d/x"}));
  one.add("d/.wh.x");
  one.add(".wh.d");
  CHECK(is_whiteout_at(one.tree(), "d"));
}

TEST_CASE("overlay: what the archive adds stays, and its directory hides what is below",
          "[tree][whiteouts]") {
  Overlay one(tree_of({}), tree_of({"d/", "d/x", "f"}));
  REQUIRE(MemoryTree::make_directory(&one.tree().root(), "d", 0755) == 0);
  one.rules.placed("d", true, "d");
  MemoryTree::Handle file;
  REQUIRE(MemoryTree::make_file(&one.tree().root(), "f", 0644, file) == 0);
  one.rules.placed("f", true, "f");
  one.add(".wh.d");
  one.add(".wh.f");
  CHECK(one.tree().find("d")->is_directory());
  CHECK(one.tree().find("d")->opaque);
  CHECK(S_ISREG(one.tree().find("f")->mode));
  one.add("d/.wh.x");  // hidden already
  CHECK_FALSE(one.tree().find("d/x"));
}

TEST_CASE("overlay: an opaque directory drops the whiteouts in it; an opaque root hides name by name",
          "[tree][whiteouts]") {
  Overlay one(tree_of({}), tree_of({"d/", "d/x", "a", "b"}));
  one.add("d/.wh.x");
  one.add("d/.wh..wh..opq");
  CHECK(one.tree().find("d")->opaque);
  CHECK_FALSE(one.tree().find("d/x"));
  Overlay root(tree_of({}), tree_of({"a", "b/"}));
  root.add(".wh..wh..opq");
  CHECK_FALSE(root.tree().root().opaque);
  CHECK(is_whiteout_at(root.tree(), "a"));
  CHECK(is_whiteout_at(root.tree(), "b"));
}

TEST_CASE("overlay: a whiteout of what the layer had before the archive is refused", "[tree][whiteouts]") {
  Overlay one(tree_of({"mine"}), tree_of({"mine"}));
  try {
    one.add(".wh.mine");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::file_exists);
    CHECK(error.subject() == "mknod mine");
  }
  CHECK(S_ISREG(one.tree().find("mine")->mode));
}
