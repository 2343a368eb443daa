#include <strata/error.hpp>
#include <strata/oci/watched_source.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

using namespace strata;

TEST_CASE("a watched source tells once that it ended, and of its size", "[oci][watched_source]") {
  std::vector<Progress> seen;
  oci::WatchedSource source(memory_source("bytes"),
                            {.progress = [&](Progress const& now) { seen.push_back(now); }});
  CHECK(source.size() == 5U);
  CHECK(as_text(source.next()) == "bytes");
  CHECK(source.next().empty());
  CHECK(source.next().empty());
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].phase == Phase::copy);
  CHECK(seen[0].bytes == 5);
  CHECK(seen[0].total_bytes == std::uint64_t{5});
}

TEST_CASE("a watched source stops before its next bytes", "[oci][watched_source]") {
  std::stop_source stop;
  oci::WatchedSource source(memory_source("bytes"), {.progress = {}, .stop = stop.get_token()});
  CHECK_FALSE(source.next().empty());
  stop.request_stop();
  try {
    source.next();
    FAIL();
  } catch (Error const& error) {
    CHECK(error.code() == Errc::stopped);
  }
}
