#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/disk_tree.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace strata;
using archive::DiskTree;

namespace {

struct Disk {
  testing::TempDir directory;
  std::string top = directory.path().native();
  DiskTree tree{sys::open_at(AT_FDCWD, top, O_PATH | O_DIRECTORY)};
};

int opening(DiskTree const& tree, std::string_view path) {
  errno = 0;
  return tree.try_open(path) ? 0 : errno;
}

}  // namespace

TEST_CASE("a tree on disk opens no directory through a link, and none outside", "[tree][disk_tree]") {
  Disk disk;
  sys::make_directories(disk.top + "/d/e", 0755);
  sys::replace_file(disk.top + "/f", "");
  REQUIRE(::symlink("d", (disk.top + "/l").c_str()) == 0);
  CHECK(opening(disk.tree, "") == 0);
  CHECK(opening(disk.tree, "d/e") == 0);
  CHECK(opening(disk.tree, "l") == ENOTDIR);
  CHECK(opening(disk.tree, "l/e") == ELOOP);
  CHECK(opening(disk.tree, "none") == ENOENT);
  CHECK(opening(disk.tree, "f") == ENOTDIR);
  struct stat up {
  }, root{};
  auto const parent = disk.tree.try_open("..");
  auto const here = disk.tree.open_root();
  REQUIRE(::fstat(parent.get(), &up) == 0);
  REQUIRE(::fstat(here.get(), &root) == 0);
  CHECK(up.st_ino == root.st_ino);
  CHECK_THROWS_AS(DiskTree::enter(here.get(), "l", "l"), Error);
  CHECK_THROWS_AS(disk.tree.open("none"), Error);
}

TEST_CASE("a path longer than the kernel takes at once is opened", "[tree][disk_tree]") {
  Disk disk;
  std::string path;
  auto at = disk.tree.open_root();
  for (int i = 0; i < 60; ++i) {
    std::string const name(200, static_cast<char>('a' + i % 26));
    REQUIRE(DiskTree::make_directory(at.get(), name, 0755) == 0);
    at = DiskTree::enter(at.get(), name, name);
    path += (i == 0 ? "" : "/") + name;
  }
  CHECK(opening(disk.tree, path) == 0);
  CHECK(opening(disk.tree, path + "/none") == ENOENT);
}

TEST_CASE("names are made, looked at and removed as they are, not as what they lead to",
          "[tree][disk_tree]") {
  Disk disk;
  auto const root = disk.tree.open_root();
  int const at = root.get();
  sys::Fd file;
  REQUIRE(DiskTree::make_file(at, "f", 0640, file) == 0);
  CHECK(file);
  REQUIRE(DiskTree::make_symlink(at, "l", "f") == 0);
  REQUIRE(DiskTree::make_link(at, "l", at, "l2") == 0);
  REQUIRE(DiskTree::make_node(at, "p", S_IFIFO | 0600, 0) == 0);
  errno = 0;
  CHECK(DiskTree::make_file(at, "l", 0640, file) == -1);
  CHECK(errno == EEXIST);
  CHECK(S_ISLNK(DiskTree::look(at, "l2", "l2")->st_mode));
  CHECK(DiskTree::read_link(at, "l", "l") == "f");
  CHECK_FALSE(DiskTree::look(at, "none", "none"));
  CHECK_THROWS_AS(DiskTree::look(at, std::string(256, 'x'), "long"), Error);
  CHECK_THROWS_AS(DiskTree::read_link(at, "f", "f"), Error);
  auto names = DiskTree::names(at, "");
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"f", "l", "l2", "p"});
  DiskTree::remove(at, "l", *DiskTree::look(at, "l", "l"), "l");
  CHECK(sys::is_present(disk.top + "/f"));
  sys::make_directories(disk.top + "/d/full/of", 0755);
  DiskTree::remove(at, "d", *DiskTree::look(at, "d", "d"), "d");
  CHECK_FALSE(sys::is_present(disk.top + "/d"));
}

TEST_CASE("a directory is opaque by the mark of overlayfs alone", "[tree][disk_tree]") {
  Disk disk;
  auto const root = disk.tree.open_root();
  REQUIRE(DiskTree::make_directory(root.get(), "d", 0755) == 0);
  auto const opaque = [&](bool user) {
    auto const directory = disk.tree.try_open("d", O_RDONLY);
    return DiskTree::is_opaque(directory.get(), user, "d");
  };
  CHECK_FALSE(opaque(false));
  DiskTree::mark_opaque(disk.tree.open("d").get(), false, "d");
  CHECK(opaque(false));
  CHECK_FALSE(opaque(true));
  auto const fd = sys::open_at(AT_FDCWD, disk.top + "/d", O_RDONLY);
  sys::set_xattr(fd.get(), "trusted.overlay.opaque", "x", "d");
  CHECK_FALSE(opaque(false));
}

TEST_CASE("contents are written, and only a whole file can be linked in their place", "[tree][disk_tree]") {
  Disk disk;
  auto const root = disk.tree.open_root();
  sys::Fd file;
  REQUIRE(DiskTree::make_file(root.get(), "f", 0644, file) == 0);
  Source body = memory_source("some text");
  disk.tree.write(file, body, "f");
  CHECK(sys::read_file(disk.top + "/f") == "some text");
  Source other = memory_source("x");
  errno = 0;
  CHECK(DiskTree::try_share(root.get(), "g", "g", {.name = "g"}, other) == -1);
  CHECK(errno == EXDEV);
  CHECK_FALSE(sys::is_present(disk.top + "/g"));
}
