#include <strata/archive/tar_header.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

using namespace strata;
using drivers::StagedTree;
using drivers::WholeTrees;

namespace whole_trees_tests {

struct Home {
  testing::TempDir directory;
  std::string top = directory.path().native();
  WholeTrees trees{top + "/dir",
                   top + "/temp",
                   {top + "/other"},
                   WholeTrees::Home{.directory = top + "/images", .temp_dirs = top + "/images-temp"}};

  Home() {
    for (auto const* name : {"/dir", "/temp", "/other", "/images", "/images-temp"})
      sys::make_directories(top + name, 0700);
  }
  StagedTree staged(std::string const& text, StageRequest request = {.flush = Flush::none}) const {
    StagedTree staged(trees.temp_dirs(request.writable), request, {},
                      [](auto const& path) { sys::make_directories(path, 0755); });
    Source body = memory_source(text);
    staged.add({.name = "file", .mode = 0644, .size = static_cast<std::int64_t>(text.size())}, body);
    return staged;
  }
  void publish(std::string const& id, std::string const& text, StageRequest const& request = {}) const {
    auto tree = staged(text, request);
    trees.publish(LayerId(id), tree);
  }
  std::string read(std::string const& id, std::string const& path) const {
    std::string out;
    Sink sink = string_sink(out);
    trees.copy_file(LayerId(id), path, sink);
    return out;
  }
};

}  // namespace whole_trees_tests

using testing::code_of;
using whole_trees_tests::Home;

TEST_CASE("a tree comes in by its name, once, and goes into the trash", "[drivers][whole_trees]") {
  Home const home;
  home.publish("a", "one", {.writable = true});
  CHECK(sys::read_file(home.top + "/dir/a/file") == "one");
  CHECK(code_of([&] { home.publish("a", "two", {.writable = true}); }) == Errc::duplicate_id);
  CHECK(home.read("a", "file") == "one");
  CHECK(home.trees.inspect(LayerId("a")).empty());
  {
    auto trash = home.trees.remove(LayerId("a"));
    CHECK_FALSE(home.trees.find(LayerId("a")));
    trash.empty();
  }
  CHECK(fs::is_empty(home.top + "/temp"));
  home.trees.remove(LayerId("a")).empty();  // there is none: nothing happens
  REQUIRE(home.trees.inspect(LayerId("a")).size() == 1);
  CHECK(home.trees.inspect(LayerId("a"))[0].kind == ProblemKind::tree_missing);
}

TEST_CASE("a tree that is not published is gone with its object", "[drivers][whole_trees]") {
  Home const home;
  { auto const staged = home.staged("text"); }
  CHECK(fs::is_empty(home.top + "/temp"));
  CHECK(fs::is_empty(home.top + "/images-temp"));
}

TEST_CASE("layers that no container writes to go to the image store, and are found there",
          "[drivers][whole_trees]") {
  Home const home;
  home.publish("image-layer", "i", {.writable = false});
  home.publish("container-layer", "c", {.writable = true});
  sys::make_directories(home.top + "/other/theirs", 0700);
  CHECK(sys::is_present(home.top + "/images/image-layer"));
  CHECK(sys::is_present(home.top + "/dir/container-layer"));
  CHECK(home.trees.list() == std::vector<LayerId>{LayerId("container-layer"), LayerId("image-layer")});
  CHECK(home.trees.get(LayerId("theirs")).native() == home.top + "/other/theirs");
  CHECK(code_of([&] { home.publish("image-layer", "again", {.writable = true}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { home.trees.get(LayerId("none")); }) == Errc::layer_unknown);
  CHECK(code_of([&] { home.trees.origin({.parent = LayerId("none"), .copy_of = LayerId("image-layer")}); }) ==
        Errc::layer_unknown);
}

TEST_CASE("contents are exchanged for new ones, or stay if there is no such layer",
          "[drivers][whole_trees]") {
  Home const home;
  home.publish("a", "one", {.writable = true});
  auto two = home.staged("two", {.writable = true});
  home.trees.replace(LayerId("a"), two);
  CHECK(home.read("a", "file") == "two");
  auto three = home.staged("three", {.writable = true});
  CHECK(code_of([&] { home.trees.replace(LayerId("none"), three); }) == Errc::layer_unknown);
  CHECK(home.trees.list().size() == 1);
}

TEST_CASE("a file is read from within its tree, and only if it is a regular one", "[drivers][whole_trees]") {
  Home const home;
  home.publish("a", "text", {.writable = true});
  auto const tree = home.top + "/dir/a";
  sys::make_directories(tree + "/d", 0755);
  REQUIRE(::symlink("/file", (tree + "/d/in").c_str()) == 0);
  REQUIRE(::symlink("..", (tree + "/up").c_str()) == 0);
  sys::replace_file(home.top + "/dir/secret", "secret");
  CHECK(home.read("a", "file") == "text");
  CHECK(home.read("a", "/d/../file") == "text");
  for (auto const* path : {"", "d", "none", "d/in", "up/secret", "../secret"}) {
    INFO(path);
    CHECK(code_of([&] { home.read("a", path); }) == Errc::data_unknown);
  }
}
