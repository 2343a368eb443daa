#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/visit_contents.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <vector>

using namespace strata;

TEST_CASE("files and directories of a tree are visited open, what is in a directory before it",
          "[sys][visit_contents]") {
  testing::TempDir const dir;
  sys::make_directories(dir / "top/a/b", 0700);
  sys::make_directories(dir / "top/mounted", 0700);
  sys::replace_file(dir / "top/a/b/file", "1");
  fs::create_symlink("file", dir / "top/a/b/link");
  REQUIRE(::mkfifo((dir / "top/a/fifo").c_str(), 0600) == 0);
  bool const mounted = ::mount("none", (dir / "top/mounted").c_str(), "tmpfs", 0, "size=64k") == 0;
  std::vector<std::string> met;
  sys::visit_contents(dir / "top", [&](sys::Fd const fd, auto const& path) {
    struct stat open {
    }, named{};
    REQUIRE(::fstat(fd.get(), &open) == 0);
    REQUIRE(::lstat(path().c_str(), &named) == 0);
    CHECK(open.st_ino == named.st_ino);
    if (!S_ISFIFO(open.st_mode)) met.push_back(path().lexically_relative(dir / "top").native());
  });
  if (mounted) REQUIRE(::umount((dir / "top/mounted").c_str()) == 0);
  CHECK(met.back() == ".");
  auto const place = [&](std::string const& name) { return std::ranges::find(met, name) - met.begin(); };
  CHECK(place("a/b/file") < place("a/b"));
  CHECK(place("a/b") < place("a"));
  CHECK(met.size() == (mounted ? 4 : 5));
}

TEST_CASE("a tree that is not there cannot be visited", "[sys][visit_contents]") {
  testing::TempDir const dir;
  CHECK_THROWS_AS(sys::visit_contents(dir / "missing", [](sys::Fd, auto const&) {}), Error);
}
