#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/lower_view.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

using namespace strata;
using archive::Below;
using archive::LowerTrees;

namespace {

/// Layers as overlayfs has them, the uppermost first.
struct Layers {
  testing::TempDir directory;
  std::string upper = directory.path().native() + "/upper", lower = directory.path().native() + "/lower";

  Layers() {
    for (auto const& tree : {upper, lower}) sys::make_directories(tree, 0755);
  }
  static void dir(std::string const& path) { sys::make_directories(path, 0755); }
  static void file(std::string const& path) { sys::replace_file(path, "", {.flush = Flush::none}); }
  static void whiteout(std::string const& path) {
    REQUIRE(::mknod(path.c_str(), S_IFCHR, makedev(0, 0)) == 0);
  }
  static void opaque(std::string const& path) {
    REQUIRE(::lsetxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  }
  LowerTrees view() const {
    return LowerTrees([this] {
      LowerTrees::Find::result_type trees;
      trees.emplace().emplace_back(upper);
      trees->emplace_back(lower);
      return trees;
    });
  }
};

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE("layers are seen merged: the uppermost has precedence", "[tree][lower_view]") {
  Layers const layers;
  Layers::dir(layers.lower + "/d/sub");
  Layers::file(layers.lower + "/d/low");
  Layers::file(layers.lower + "/f");
  Layers::dir(layers.upper + "/d");
  Layers::file(layers.upper + "/d/high");
  Layers::dir(layers.upper + "/f");  // a directory over a file
  Layers::dir(layers.lower + "/g/inside");
  Layers::file(layers.upper + "/g");  // a file over a directory
  auto const view = layers.view();
  CHECK(view.at("") == Below::directory);
  CHECK(view.at("d") == Below::directory);
  CHECK(view.at("d/sub") == Below::directory);
  CHECK(view.at("d/low") == Below::other);
  CHECK(view.at("d/high") == Below::other);
  CHECK(view.at("d/none") == Below::nothing);
  CHECK(view.at("f") == Below::directory);
  CHECK(view.at("g") == Below::other);
  CHECK(view.at("g/inside") == Below::nothing);
  CHECK(sorted(view.root_names()) == std::vector<std::string>{"d", "f", "g"});
}

TEST_CASE("what a whiteout or an opaque directory hides is not seen", "[tree][lower_view]") {
  Layers const layers;
  for (auto const* name : {"/gone/x", "/opaque/x", "/kept/x"}) Layers::dir(layers.lower + name);
  Layers::whiteout(layers.upper + "/gone");
  Layers::dir(layers.upper + "/opaque/own");
  Layers::opaque(layers.upper + "/opaque");
  Layers::dir(layers.upper + "/kept");
  auto const view = layers.view();
  CHECK(view.at("gone") == Below::nothing);
  CHECK(view.at("gone/x") == Below::nothing);
  CHECK(view.at("opaque") == Below::directory);
  CHECK(view.at("opaque/x") == Below::nothing);
  CHECK(view.at("opaque/own") == Below::directory);
  CHECK(view.at("kept/x") == Below::directory);
  CHECK(sorted(view.root_names()) == std::vector<std::string>{"kept", "opaque"});
}

TEST_CASE("the target of a link is that of the link that is seen", "[tree][lower_view]") {
  Layers const layers;
  REQUIRE(::symlink("low", (layers.lower + "/l").c_str()) == 0);
  REQUIRE(::symlink("high", (layers.upper + "/l").c_str()) == 0);
  REQUIRE(::symlink("only", (layers.lower + "/m").c_str()) == 0);
  Layers::file(layers.upper + "/f");
  Layers::dir(layers.upper + "/d");
  auto const view = layers.view();
  CHECK(view.link_at("l") == "high");
  CHECK(view.link_at("m") == "only");
  CHECK_FALSE(view.link_at("f"));
  CHECK_FALSE(view.link_at("d"));
  CHECK_FALSE(view.link_at("none"));
  CHECK(view.at("l") == Below::other);
  CHECK(view.at("l/x") == Below::nothing);  // links are not followed
}

TEST_CASE("of no layers nothing is seen, of unknown ones anything may be", "[tree][lower_view]") {
  LowerTrees const none([] { return LowerTrees::Find::result_type(std::in_place); });
  CHECK(none.at("x") == Below::nothing);
  CHECK(none.root_names().empty());
  LowerTrees const unknown([] { return LowerTrees::Find::result_type(); });
  CHECK(unknown.at("x") == Below::directory);
  CHECK(unknown.root_names().empty());
  CHECK_FALSE(unknown.link_at("x"));
}

TEST_CASE("the layers are asked for once, when something is looked for", "[tree][lower_view]") {
  int asked = 0;
  LowerTrees const view([&] {
    ++asked;
    return LowerTrees::Find::result_type(std::in_place);
  });
  CHECK(asked == 0);
  view.at("a");
  view.at("b");
  view.root_names();
  CHECK(asked == 1);
}
