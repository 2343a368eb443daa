#include <strata/testing/layer_probe.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/reference_whiteouts.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <system_error>
#include <vector>

using namespace strata::archive;
using strata::testing::directory;
using strata::testing::Entry;
using strata::testing::file;
using strata::testing::symbolic_link;
using strata::testing::whiteout;

namespace {

std::string paths_after(std::vector<std::vector<Entry>> const& archives,
                        ApplyOptions const& options = {.whiteouts = Whiteouts::execute,
                                                       .as_reference = true}) {
  MemoryTree tree;
  for (auto const& entries : archives) {
    BasicApplier<MemoryTree> applier(std::move(tree), options);
    strata::testing::add_all(applier, entries);
    applier.finish();
    tree = std::move(applier.tree());
  }
  std::string paths;
  tree.walk([&](std::string const& path, MemoryNode const&) {
    if (!path.empty()) paths += (paths.empty() ? "" : " ") + path;
  });
  return paths;
}
Entry mark(std::string const& directory) { return file(directory + "/.wh..wh..opq", ""); }

}  // namespace

TEST_CASE("a whiteout as the reference executes it removes what its own archive has as well",
          "[tree][reference_whiteouts]") {
  CHECK(paths_after({{file("a", "1"), file(".wh.a", ""), file("z", "2")}}) == "z");
  CHECK(paths_after({{directory("d"), file("d/x", "1"), file(".wh.d", ""), file("d/y", "2")}}) == "d d/y");
  CHECK(paths_after({{file("a", "1"), file("b", "2")}, {file(".wh.a", "")}}) == "b");
}

TEST_CASE("an opaque mark removes what no entry names by its path, and nothing through a link",
          "[tree][reference_whiteouts]") {
  std::vector<Entry> const parent{directory("b"), file("b/y", "1"), file("b/z", "2"),
                                  symbolic_link("l", "b")};
  CHECK(paths_after({parent, {mark("b"), file("b/n", "3")}}) == "b b/n l");
  CHECK(paths_after({parent, {directory("b"), file("b/y", "4"), mark("b")}}) == "b b/y l");
  CHECK(paths_after({parent, {mark("l"), file("l/n", "3")}}) == "b b/n b/y b/z l");
  // One that the link only leads to: the names below it are those of the path.
  std::vector<Entry> const deeper{directory("b"), directory("b/s"), file("b/s/y", "1"),
                                  symbolic_link("l", "b")};
  CHECK(paths_after({deeper, {mark("l/s")}}) == "b b/s l");
  CHECK(paths_after({deeper, {file("b/s/n", "2"), mark("l/s")}}) == "b b/s l");
  CHECK(paths_after({deeper, {file("l/s/n", "2"), mark("l/s")}}) == "b b/s b/s/n l");
}

TEST_CASE("the reference refuses an archive that takes away a directory of which it sets the time at the end",
          "[tree][reference_whiteouts]") {
  auto const refused = [](std::vector<Entry> const& entries) {
    return strata::testing::code_of([&] { paths_after({entries}); });
  };
  CHECK(refused({directory("d"), symbolic_link("d/l", "zz"), whiteout("d")}) ==
        std::errc::no_such_file_or_directory);
  CHECK(refused({directory("x"), symbolic_link("l", "x"), directory("l/s"), symbolic_link("l", "/")}) ==
        std::errc::no_such_file_or_directory);
  CHECK(refused({directory("x"), symbolic_link("l", "x"), directory("l/s"), file("l", "1")}) ==
        std::errc::not_a_directory);
  // Something else is there, or it is again.
  CHECK(paths_after({{directory("d"), file("d", "1")}}) == "d");
  CHECK(paths_after({{directory("d"), whiteout("d"), file("d/e", "1")}}) == "d d/e");
  CHECK(paths_after({{directory("x"), symbolic_link("l", "x"), directory("l/s")}}) == "l x x/s");
}

TEST_CASE("a directory that follows its own whiteout is like any other to the reference's overlay",
          "[tree][reference_whiteouts]") {
  std::vector<Entry> const entries{whiteout("d"), directory("d"), file("d/n", "1")};
  for (bool const reference : {false, true}) {
    BasicApplier<MemoryTree> applier(MemoryTree(),
                                     {.whiteouts = Whiteouts::overlay, .as_reference = reference});
    strata::testing::add_all(applier, entries);
    applier.finish();
    auto const made = applier.tree().find("d");
    REQUIRE(made);
    CHECK(made->is_directory());
    CHECK(made->opaque == !reference);
  }
}

TEST_CASE("where a whiteout finds no directory, there may be one by whatever way the path leads",
          "[tree][reference_whiteouts]") {
  for (bool const as_reference : {true, false}) {
    BasicApplier<MemoryTree> applier(MemoryTree(),
                                     {.whiteouts = Whiteouts::execute, .as_reference = as_reference});
    strata::testing::add_all(applier,
                             {directory("e"), symbolic_link("x", "e"), whiteout("x/x/n"), whiteout("y/n")});
    applier.finish();
    auto const may_be = applier.tree().tolerated();
    CHECK(std::vector<std::string>(may_be.begin(), may_be.end()) ==
          std::vector<std::string>{"e", "e/x", "y"});
  }
}
