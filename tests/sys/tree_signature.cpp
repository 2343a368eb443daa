#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/tree_signature.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata;

TEST_CASE("the signature of a tree changes with whatever is written to it", "[sys][tree_signature]") {
  testing::TempDir const directory;
  auto const top = directory / "top";
  fs::create_directories(top / "d/e");
  sys::replace_file(top / "d/file", "content", {});
  sys::replace_file(top / "other", "content", {});
  fs::create_symlink("file", top / "d/link");
  auto const before = sys::tree_signature(top);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a tick of the kernel's clock and more

  bool is_same = false;
  SECTION("not if it is only read") {
    CHECK(sys::read_file(top / "d/file") == "content");
    is_same = true;
  }
  SECTION("not by a directory's time of change alone") {
    for (auto const& path : {top, top / "d", top / "d/e"})
      fs::permissions(path, fs::status(path).permissions());
    is_same = true;
  }
  SECTION("a name") { fs::rename(top / "d/file", top / "d/elif"); }
  SECTION("an inode: another file in the place of one") {
    sys::replace_file(top / "d/new", "content", {});
    fs::rename(top / "d/new", top / "d/file");
  }
  SECTION("two files that change places") {
    fs::rename(top / "d/file", directory / "staging");
    fs::rename(top / "other", top / "d/file");
    fs::rename(directory / "staging", top / "other");
  }
  SECTION("a size") { fs::resize_file(top / "d/file", 3); }
  SECTION("other bytes, with the old time of modification") {
    struct stat old {};
    REQUIRE(::stat((top / "d/file").c_str(), &old) == 0);
    auto const file = sys::open_at(AT_FDCWD, top / "d/file", O_WRONLY);
    REQUIRE(::write(file.get(), "CONTENT", 7) == 7);
    std::array<timespec, 2> const times{old.st_atim, old.st_mtim};
    REQUIRE(::futimens(file.get(), times.data()) == 0);
  }
  SECTION("a mode") { fs::permissions(top / "d/file", fs::perms::owner_read); }
  SECTION("an owner, even the same one") {
    REQUIRE(::chown((top / "d/file").c_str(), ::getuid(), ::getgid()) == 0);
  }
  SECTION("a directory's mode") { fs::permissions(top / "d/e", fs::perms::owner_all); }
  SECTION("a new file") { sys::replace_file(top / "d/e/new", "", {}); }
  SECTION("a new file at the top") { sys::replace_file(top / "new", "", {}); }
  SECTION("a file that has gone") { fs::remove(top / "d/file"); }
  SECTION("one that came and went") {
    sys::replace_file(top / "new", "", {});
    fs::remove(top / "new");
  }
  SECTION("the top's mode") { fs::permissions(top, fs::perms::owner_all); }
  SECTION("the top's owner") {
    if (::chown(top.c_str(), ::getuid() + 1, ::getgid()) != 0) is_same = true;  // not allowed to all
  }
  SECTION("the top's group") {
    if (::chown(top.c_str(), ::getuid(), ::getgid() + 1) != 0) is_same = true;
  }
  SECTION("an attribute of the top that belongs to its files") {
    try {
      sys::set_xattr(top, "user.mine", "1");
      auto const with = sys::tree_signature(top);
      sys::set_xattr(top, "user.mine", "2");
      CHECK(sys::tree_signature(top) != with);
    } catch (Error const&) {
      WARN("skipped: no attributes of users on this file system");
      is_same = true;
    }
  }
  CHECK((sys::tree_signature(top) == before) == is_same);
}

TEST_CASE("of an empty directory there is a signature, of none there is not", "[sys][tree_signature]") {
  testing::TempDir const directory;
  CHECK(sys::tree_signature(directory.path()) == sys::tree_signature(directory.path()));
  CHECK_THROWS_AS(sys::tree_signature(directory / "none"), Error);
}

TEST_CASE("a tree may be deeper than a path can be long", "[sys][tree_signature]") {
  testing::TempDir const directory;
  std::string const name(250, 'd');
  auto const top = directory / "top";
  fs::create_directory(top);
  auto at = sys::open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY);
  auto const before = sys::tree_signature(top);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
    at = sys::open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
  }
  CHECK(sys::tree_signature(top) != before);
}
