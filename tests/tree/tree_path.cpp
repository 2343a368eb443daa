#include <strata/tree/tree_path.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <utility>

using namespace strata::archive;

TEST_CASE("names of an archive are taken from the root of the tree, by text", "[archive][tree_path]") {
  for (auto const& [name, path] : {std::pair("", ""),
                                   {".", ""},
                                   {"./", ""},
                                   {"/", ""},
                                   {"..", ""},
                                   {"a", "a"},
                                   {"./a/", "a"},
                                   {"/a//b/.", "a/b"},
                                   {"../../a", "a"},
                                   {"a/../../b", "b"},
                                   {"a/..", ""},
                                   {"...", "..."},
                                   {"a/...", "a/..."}})
    CHECK(path_in_tree(name) == path);
  CHECK_THROWS_AS(path_in_tree(std::string("a\0b", 3)), strata::Error);
}

TEST_CASE("a path is cut before its last component", "[archive][tree_path]") {
  TreePath const deep("a/b/c");
  CHECK(deep.parent == "a/b");
  CHECK(deep.base == "c");
  TreePath const top("a");
  CHECK(top.parent.empty());
  CHECK(top.base == "a");
}
