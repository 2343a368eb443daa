#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

TEST_CASE("a test's directory is there while the object is, and gone with what is in it", "[testing]") {
  strata::fs::path path;
  {
    strata::testing::TempDir dir;
    path = dir.path();
    CHECK(strata::fs::is_directory(path));
    strata::sys::make_directories(dir / "a/b", 0700);
    strata::sys::replace_file(dir / "a/b/file", "text");
    strata::testing::TempDir other;
    CHECK(other.path() != path);
  }
  CHECK_FALSE(strata::fs::exists(path));
}
