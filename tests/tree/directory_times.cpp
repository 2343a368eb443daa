#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/directory_times.hpp>
#include <strata/tree/disk_tree.hpp>
#include <strata/tree/memory_tree.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <system_error>

namespace fs = boost::filesystem;
using namespace strata;
using archive::DirectoryTimes;
using archive::DiskTree;
using archive::MemoryTree;
using testing::code_of;

namespace {

using Times = DirectoryTimes<DiskTree>;

archive::TarHeader of(std::int64_t seconds, std::int64_t access = 0) {
  archive::TarHeader header;
  header.mtime = {seconds, 500};
  if (access != 0) header.atime = archive::FileTime{access, 0};
  return header;
}

struct Root {
  testing::TempDir dir = {};
  DiskTree tree{sys::open_at(AT_FDCWD, dir.path(), O_PATH | O_DIRECTORY)};

  struct stat status(std::string const& path) const {
    struct stat found {};
    REQUIRE(::lstat((dir / path).c_str(), &found) == 0);
    return found;
  }
  std::int64_t mtime(std::string const& path) const { return status(path).st_mtim.tv_sec; }
};

std::error_code system_code(int code) { return {code, std::system_category()}; }

}  // namespace

TEST_CASE("directories get their times when all is in them, once", "[tree][directory_times]") {
  Root root;
  Times times(Times::Named::by_place);
  fs::create_directory(root.dir / "d");
  times.add("d", of(1000, 2000));
  times.add("", of(3000));
  fs::create_directory(root.dir / "d/e");
  CHECK(root.mtime("d") > 3000);
  times.set(root.tree);
  CHECK(root.mtime("d") == 1000);
  CHECK(root.status("d").st_mtim.tv_nsec == 500);
  CHECK(root.status("d").st_atim.tv_sec == 2000);
  CHECK(root.mtime("") == 3000);
  fs::remove(root.dir / "d/e");
  times.set(root.tree);
  CHECK(root.mtime("d") > 3000);  // they are forgotten
}

TEST_CASE("by its place a directory is not found through a link, nor missed where it went",
          "[tree][directory_times]") {
  Root root;
  fs::create_directories(root.dir / "d/e");
  fs::create_directory_symlink("d", root.dir / "l");
  Times times(Times::Named::by_place);
  for (auto const* path : {"l", "l/e", "gone", "gone/e"}) times.add(path, of(1000));
  times.set(root.tree);
  for (auto const* path : {"d", "d/e", "l"}) CHECK(root.mtime(path) > 1000);
}

TEST_CASE("by its entry's name a directory is found through links, as is what took its place",
          "[tree][directory_times]") {
  Root root;
  fs::create_directories(root.dir / "d/e");
  fs::create_directory_symlink("d", root.dir / "l");
  fs::create_symlink("nowhere", root.dir / "astray");
  fs::ofstream(root.dir / "file") << "file";
  Times times(Times::Named::by_entry);
  times.add("l/e", of(1000));
  times.add("file", of(2000));
  times.set(root.tree);
  CHECK(root.mtime("d/e") == 1000);
  CHECK(root.mtime("file") == 2000);
  auto const failure = [&](std::string const& name) {
    Times of_one(Times::Named::by_entry);
    of_one.add(name, of(1000));
    return code_of([&] { of_one.set(root.tree); });
  };
  CHECK(failure("gone") == system_code(ENOENT));
  CHECK(failure("astray") == system_code(ENOENT));
  CHECK(failure("file/below") == system_code(ENOTDIR));
}

TEST_CASE("a tree in memory gets the times of a tree on disk", "[tree][directory_times]") {
  MemoryTree tree;
  REQUIRE(MemoryTree::make_directory(&tree.root(), "d", 0755) == 0);
  DirectoryTimes<MemoryTree> times(DirectoryTimes<MemoryTree>::Named::by_place);
  times.add("d", of(1000));
  times.add("gone", of(1000));
  times.set(tree);
  CHECK(tree.find("d")->mtime.seconds == 1000);
}
