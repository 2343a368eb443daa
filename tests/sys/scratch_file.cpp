#include <strata/fs.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <unistd.h>

using namespace strata;

TEST_CASE("sys: a scratch file has no name", "[sys][scratch_file]") {
  testing::TempDir dir;
  for (auto const& where : {dir.path().native(), std::string("/dev/shm")}) {
    auto const file = sys::scratch_file(where);
    REQUIRE(::write(file.get(), "text", 4) == 4);
    char text[5] = {};
    CHECK(::pread(file.get(), text, 4, 0) == 4);
    CHECK(std::string(text) == "text");
  }
  CHECK(fs::is_empty(dir.path()));
  CHECK_THROWS_AS(sys::scratch_file(dir / "missing"), std::system_error);
}
