#include <strata/oci/build_time.hpp>

#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include <cstdlib>

using oci_tools::error_of;

TEST_CASE("a build happens at SOURCE_DATE_EPOCH, or now", "[oci]") {
  ::setenv("SOURCE_DATE_EPOCH", "1600000000", 1);
  CHECK(strata::oci::build_time() == strata::Timestamp{.seconds = 1'600'000'000, .nanoseconds = 0});
  for (auto const* text : {"soon", "-1", "1x", "99999999999999999999"}) {
    ::setenv("SOURCE_DATE_EPOCH", text, 1);
    CHECK(error_of([] { strata::oci::build_time(); }, text) == std::errc::invalid_argument);
  }
  ::setenv("SOURCE_DATE_EPOCH", "", 1);
  CHECK(strata::oci::build_time().seconds > 1'600'000'000);
  ::unsetenv("SOURCE_DATE_EPOCH");
  CHECK(strata::oci::build_time().seconds > 1'600'000'000);
}
