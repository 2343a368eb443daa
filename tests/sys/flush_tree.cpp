#include <strata/fs.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>

namespace fs = boost::filesystem;
using namespace strata::sys;

TEST_CASE("what the machine has to write is read from /proc/meminfo", "[sys][flush_tree]") {
  CHECK(detail::dirty_bytes(
            "MemTotal: 5 kB\nDirty:             12 kB\nWriteback:         3 kB\nWritebackTmp: 9 kB\n") ==
        15 * 1024);
  CHECK(detail::dirty_bytes("MemTotal: 5 kB\n") == 0);
  CHECK(detail::dirty_bytes("") == 0);
}

TEST_CASE("trees of few and of many files are flushed", "[sys][flush_tree]") {
  strata::testing::TempDir const place;
  CHECK_NOTHROW(flush_tree(place.path()));
  for (int i = 0; i < 200; ++i) {
    auto const directory = place / std::to_string(i % 7);
    fs::create_directories(directory);
    fs::ofstream(directory / std::to_string(i)) << std::string(1000, 'x');
    if (i == 3) CHECK_NOTHROW(flush_tree(place.path()));
  }
  fs::create_symlink("nowhere", place / "link");
  CHECK_NOTHROW(flush_tree(place.path()));
  CHECK_THROWS_AS(flush_tree(place / "none"), strata::Error);
}

TEST_CASE("a tree of few files is not worth flushing the file system for", "[sys][flush_tree]") {
  strata::testing::TempDir const place;
  fs::ofstream(place / "f") << "text";
  Fd const root = open_at(AT_FDCWD, place.path(), O_RDONLY | O_DIRECTORY);
  CHECK_FALSE(detail::is_for_syncfs(place.path(), root));
}
