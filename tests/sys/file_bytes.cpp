#include <strata/sys/file_bytes.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <sys/stat.h>
#include <utility>

TEST_CASE("FileBytes holds what the file had", "[sys]") {
  strata::testing::TempDir const dir;
  using strata::sys::FileBytes;
  CHECK_FALSE(FileBytes::read_if_exists(dir / "missing"));
  CHECK_THROWS_AS(FileBytes::read_if_exists(dir.path()), strata::Error);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(FileBytes::read_if_exists(dir / "pipe"), strata::Error);  // not waited for
  for (std::size_t const size : {0U, 1U, 4096U, 4097U, 3U << 20}) {
    std::string const text(size, 'x');
    strata::sys::replace_file(dir / "file", text, {.flush = strata::Flush::none});
    auto bytes = FileBytes::read_if_exists(dir / "file");
    REQUIRE(bytes);
    FileBytes const moved = std::move(*bytes);
    CHECK(moved.text() == text);
  }
}
