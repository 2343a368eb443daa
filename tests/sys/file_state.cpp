#include <strata/sys/file.hpp>
#include <strata/sys/file_state.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

TEST_CASE("FileState tells a file from the one that took its place", "[sys]") {
  strata::testing::TempDir const dir;
  auto const path = dir / "file";
  using strata::sys::FileState;
  CHECK(FileState::of(path) == FileState{});
  CHECK_FALSE(FileState::of(path).exists());
  strata::sys::replace_file(path, "one");
  auto const first = FileState::of(path);
  auto const fd =
      strata::sys::open_at(AT_FDCWD, path, O_RDONLY);  // keeps the inode number from being used again
  CHECK(first == FileState::of(path));
  CHECK(first == FileState::of(fd.get(), path));
  CHECK(first.size == 3);
  strata::sys::replace_file(path, "two");
  CHECK_FALSE(first == FileState::of(path));
  CHECK_FALSE(first.same_file(FileState::of(path)));
  CHECK(first.same_file(FileState::of(fd.get(), path)));
  CHECK_THROWS_AS(FileState::of(path / "below"), strata::Error);
}
