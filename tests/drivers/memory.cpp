#include <strata/drivers/memory.hpp>
#include <strata/testing/driver_suite.hpp>

#include <catch2/catch.hpp>

TEST_CASE("drivers::Memory keeps the driver contract", "[drivers][memory]") {
  strata::testing::driver_suite<strata::drivers::Memory>();
}

TEST_CASE("a copy of drivers::Memory has the same layers, another object has none", "[drivers][memory]") {
  using strata::testing::file;
  strata::drivers::Memory first;
  strata::drivers::Memory const copy = first;
  strata::testing::create_layer(first, strata::LayerId("base"), {}, {file("a", "text")});
  CHECK(strata::testing::read_layer_file(copy, strata::LayerId("base"), "a") == "text");
  CHECK(strata::drivers::Memory().list().empty());
}
