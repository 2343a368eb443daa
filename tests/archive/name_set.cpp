#include <strata/archive/name_set.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata::archive;

TEST_CASE("names that mean the same path are one name", "[archive][name_set]") {
  NameSet names;
  CHECK(names.insert("a"));
  CHECK_FALSE(names.insert("a"));
  CHECK_FALSE(names.insert("./a"));
  CHECK_FALSE(names.insert("a/"));
  CHECK_FALSE(names.insert("a//"));
  CHECK_FALSE(names.insert("b/../a"));
  CHECK(names.insert("/a"));
  CHECK(names.insert("../a"));
  CHECK(names.insert("./"));
  CHECK_FALSE(names.insert("."));
  CHECK_FALSE(names.insert(""));
  CHECK(names.insert("//"));
  CHECK_FALSE(names.insert("/"));
  CHECK(names.insert(std::string_view("a\0", 2)));
  CHECK(names.insert(std::string_view("a\0\0", 3)));
}

TEST_CASE("a hundred thousand names stay apart", "[archive][name_set]") {
  NameSet names;
  std::size_t fresh = 0, again = 0;
  for (int i = 0; i < 100'000; ++i) fresh += names.insert("usr/share/" + std::to_string(i) + "/x");
  for (int i = 0; i < 100'000; ++i) again += names.insert("usr/share/" + std::to_string(i) + "//x");
  CHECK(fresh == 100'000);
  CHECK(again == 0);
}
