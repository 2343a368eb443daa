#include <strata/fs.hpp>
#include <strata/sys/file.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <string_view>

using namespace strata;

TEST_CASE("fs: a path is cleaned as text", "[fs]") {
  CHECK(clean("") == "");
  CHECK(clean("/").native() == "/");
  CHECK(clean("//a//b/").native() == "/a/b");
  CHECK(clean("/a/./b/../c/.").native() == "/a/c");
  CHECK(clean("a/..").native() == ".");
  CHECK(clean("/..").native() == "/");
}

TEST_CASE("fs: the name behind the last slash", "[fs]") {
  CHECK(base_name("/a/b") == "b");
  CHECK(base_name("b") == "b");
  for (auto const* path : {"", "/", "//", "a/", "/a/b/"}) CHECK(base_name(path).empty());
}

TEST_CASE("fs: what takes a path takes other kinds of paths and texts", "[fs]") {
  std::filesystem::path const standard = "a/b";
  std::string_view const view = "a/b";
  CHECK(clean(standard) == "a/b");
  CHECK(clean(view) == "a/b");
  CHECK(clean(std::string(view)) == "a/b");
  CHECK(sys::directory_of(standard) == "a");
}
