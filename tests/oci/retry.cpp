#include <strata/oci/retry.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

namespace oci = strata::oci;
using namespace std::chrono_literals;

namespace retry_tests {  // several files of tests are compiled as one

TEST_CASE("waits between tries double up to the longest, less a random part", "[oci][retry]") {
  std::vector<std::chrono::milliseconds> waits;
  oci::Clock clock;
  clock.wait = [&](auto wait, auto) { waits.push_back(wait); };
  oci::RetryOptions const options{.tries = 40, .first_wait = 100ms, .longest_wait = 1s};
  oci::Backoff backoff(options, clock, {});
  while (backoff.again()) {
  }
  REQUIRE(waits.size() == 39);
  for (std::size_t i = 0; i < waits.size(); ++i) {
    auto const most = std::min<std::int64_t>(100 << std::min<std::size_t>(i, 10), 1000);
    CHECK(waits[i].count() <= most);
    CHECK(waits[i].count() >= most / 2);
  }
  waits.clear();
  backoff.succeeded();
  CHECK(backoff.again(0s));
  CHECK(backoff.again(20h));
  CHECK(waits[0] >= 50ms);
  CHECK(waits[0] <= 100ms);
  CHECK(waits[1] == 1s);
}

TEST_CASE("a wait ends when it is stopped", "[oci][retry]") {
  oci::RetryOptions const options{.first_wait = std::chrono::hours(1), .longest_wait = std::chrono::hours(1)};
  oci::Clock const clock;
  std::stop_source stop;
  oci::Backoff backoff(options, clock, stop.get_token());
  std::thread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  CHECK(oci_tools::error_of([&] { backoff.again(); }) == strata::Errc::stopped);
  stopper.join();
}

TEST_CASE("Retry-After has seconds or a date", "[oci][retry]") {
  auto const read = [](std::string value) -> std::optional<std::chrono::seconds> {
    oci::HttpHeaders headers;
    headers.add("retry-after", std::move(value));
    return oci::retry_after(headers, 784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
  };
  CHECK(read("120") == 120s);
  CHECK(read(" 0 ") == 0s);
  CHECK(read("99999999999") == 24h);
  CHECK(read("Sun, 06 Nov 1994 08:50:37 GMT") == 60s);
  CHECK(read("Sun, 06 Nov 1994 08:49:00 GMT") == 0s);
  CHECK(read("Fri, 31 Dec 9999 23:59:59 GMT") == 24h);
  for (auto const* const text :
       {"", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 99 Nov 1994 08:49:37 GMT", "99999999999999999999"}) {
    INFO(text);
    CHECK(!read(text));
  }
  CHECK(!oci::retry_after({}, 0));
}

TEST_CASE("answers after which the same request may succeed", "[oci][retry]") {
  for (int const status : {408, 429, 500, 502, 503, 504}) CHECK(oci::is_temporary(status));
  for (int const status : {200, 206, 301, 400, 401, 403, 404, 416, 501, 505})
    CHECK(!oci::is_temporary(status));
}

}  // namespace retry_tests
