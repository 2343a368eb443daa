#include <strata/fs.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace strata;

TEST_CASE("attributes of any size are set, read and listed", "[sys][xattr]") {
  testing::TempDir dir;
  auto const path = dir / "file";
  sys::replace_file(path, "x");
  sys::Fd const fd = sys::open_at(AT_FDCWD, path, O_RDWR);
  CHECK(sys::list_xattrs(path).empty());
  CHECK_FALSE(sys::get_xattr(path, "user.none"));
  CHECK_FALSE(sys::get_xattr(fd.get(), "user.none", path));
  for (std::size_t size : {0u, 1u, 255u, 256u, 257u, 3000u}) {
    std::string value(size, 'v');
    if (size > 1) value[1] = '\0';
    sys::set_xattr(path, "user.key", value);
    CHECK(sys::get_xattr(fd.get(), "user.key", path) == value);
    sys::set_xattr(fd.get(), "user.key", value + "!", path);
    CHECK(sys::get_xattr(path, "user.key") == value + "!");
  }
  sys::set_xattr(path, "user.key", "");  // ext4 has 4 KiB for all of a file
  for (int i = 0; i < 30; ++i) sys::set_xattr(path, "user.with a longer name " + std::to_string(i), "");
  auto const names = sys::list_xattrs(path);
  CHECK(names.size() == 31);
  CHECK(std::ranges::count(names, "user.key") == 1);
  CHECK(sys::list_xattrs(fd.get(), path) == names);
}

TEST_CASE("a path that is a symbolic link is not followed", "[sys][xattr]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "x");
  sys::set_xattr(dir / "file", "user.key", "v");
  fs::create_symlink("file", dir / "link");
  CHECK(sys::list_xattrs(dir / "link").empty());
  CHECK_THROWS_AS(sys::set_xattr(dir / "link", "user.key", "v"), Error);
}

TEST_CASE("a file system without attributes has none, and says so when one is set", "[sys][xattr]") {
  CHECK_FALSE(sys::get_xattr("/proc/self/status", "user.key"));
  try {
    sys::set_xattr("/proc/self/status", "user.key", "v");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.subject() == "setxattr /proc/self/status");
  }
  CHECK_THROWS_AS(sys::list_xattrs("/no/such/file"), Error);
}
