#include <strata/fs.hpp>
#include <strata/sys/tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;
using testing::TempDir;

TEST_CASE("walk visits everything in the order of names, directories before what is in them", "[sys][tree]") {
  TempDir dir;
  sys::make_directories(dir / "b/c", 0700);
  sys::replace_file(dir / "b/c/file", "");
  sys::replace_file(dir / "a", "");
  fs::create_symlink("/", dir / "link");
  std::vector<std::string> paths;
  sys::walk(dir.path(), [&](sys::Visited const& v) {
    paths.push_back(v.path);
    struct stat again {};
    CHECK(::fstatat(v.directory, v.name.c_str(), &again, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(again.st_ino == v.status.st_ino);
  });
  CHECK(paths == std::vector<std::string>{"a", "b", "b/c", "b/c/file", "link"});
  CHECK_THROWS_AS(sys::walk(dir / "a", [](auto const&) {}), Error);
}

TEST_CASE("walk passes over what its visitor removes", "[sys][tree]") {
  TempDir dir;
  for (auto const* name : {"a/x", "b/x"}) sys::make_directories(dir / name, 0700);
  std::vector<std::string> paths;
  sys::walk(dir.path(), [&](sys::Visited const& v) {
    paths.push_back(v.path);
    if (v.path == "a") fs::remove_all(dir.path() / "a");
  });
  CHECK(paths == std::vector<std::string>{"a", "b", "b/x"});
}

TEST_CASE("disk_usage counts the bytes of files, each once", "[sys][tree]") {
  TempDir dir;
  CHECK(sys::disk_usage(dir.path()) == 0);
  CHECK(sys::disk_usage(dir / "missing") == 0);
  sys::make_directories(dir / "a/b", 0700);
  sys::replace_file(dir / "a/b/file", "12345");
  sys::replace_file(dir / "other", "123");
  fs::create_hard_link(dir / "other", dir / "a/linked");
  CHECK(sys::disk_usage(dir.path()) == 8);
  CHECK_THROWS_AS(sys::disk_usage(dir / "other"), Error);
}
