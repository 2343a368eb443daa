#include <strata/drivers/overlay/backing.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>

#include <catch2/catch.hpp>

using namespace strata::drivers::overlay;

TEST_CASE("file systems have the names that containers-storage prints", "[drivers][overlay]") {
  if (strata::fs::exists("/dev/shm")) CHECK(backing_name("/dev/shm") == "tmpfs");
  CHECK(backing_name("/proc") == "<unknown>");
  CHECK_THROWS_AS(backing_name("/no/such/place"), strata::Error);
  CHECK(has_file_types("/proc/self"));
}
