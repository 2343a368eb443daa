#include <strata/durability.hpp>

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("policies say what they flush, and the default of the chosen one is everything", "[durability]") {
  STATIC_REQUIRE(DurabilityPolicy<durability::Full>);
  STATIC_REQUIRE(DurabilityPolicy<durability::None>);
  STATIC_REQUIRE(DurabilityPolicy<durability::Chosen>);
  STATIC_REQUIRE_FALSE(DurabilityPolicy<int>);
  STATIC_REQUIRE(durability::Full::level() == Flush::full);
  STATIC_REQUIRE(durability::None::level() == Flush::none);
  CHECK(durability::Chosen{}.level() == Flush::full);
  CHECK(durability::Chosen{Flush::none}.level() == Flush::none);
}
