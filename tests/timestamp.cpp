#include <strata/timestamp.hpp>

#include <catch2/catch.hpp>

#include <cstdio>
#include <ctime>
#include <sstream>
#include <string>
#include <unordered_set>

using strata::Timestamp;

TEST_CASE("times agree with the C library's calendar from year 1 to year 9999", "[timestamp]") {
  for (std::int64_t day = -719'162; day <= 2'932'896; day += 97) {
    std::time_t const time = day * 86'400 + ((day * 7919) % 86'400 + 86'400) % 86'400;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    bool const right = Timestamp{time, 0}.str() == text && Timestamp::parse(text) == Timestamp{time, 0};
    if (!right) FAIL_CHECK(text);
  }
}

TEST_CASE("fractions lose their trailing zeros only, and are cut behind nanoseconds", "[timestamp]") {
  CHECK(Timestamp{}.str() == "0001-01-01T00:00:00Z");
  CHECK(Timestamp{0, 120'000'000}.str() == "1970-01-01T00:00:00.12Z");
  CHECK(Timestamp{-1, 1}.str() == "1969-12-31T23:59:59.000000001Z");
  CHECK(Timestamp{0, 999'999'999}.str() == "1970-01-01T00:00:00.999999999Z");
  CHECK(Timestamp::parse("1970-01-01T00:00:00.1234567899999Z") == Timestamp{0, 123'456'789});
}

TEST_CASE("numeric offsets are understood", "[timestamp]") {
  CHECK(Timestamp::parse("2026-11-23T18:00:00.5+02:00").str() == "2026-11-23T16:00:00.5Z");
  CHECK(Timestamp::parse("2026-11-23t18:00:00-00:30").str() == "2026-11-23T18:30:00Z");
  CHECK(Timestamp::parse("0000-01-01T00:00:00z").str() == "0000-01-01T00:00:00Z");
}

TEST_CASE("what is no time is refused", "[timestamp]") {
  for (std::string const bad : {"",
                                "now",
                                "2026-11-23",
                                "2026-11-23T18:00:00",
                                "2026-11-23 18:00:00Z",
                                "2026-13-01T00:00:00Z",
                                "2026-00-01T00:00:00Z",
                                "2026-01-32T00:00:00Z",
                                "2026-01-00T00:00:00Z",
                                "2026-01-01T24:00:00Z",
                                "2026-01-01T00:60:00Z",
                                "2026-01-01T00:00:61Z",
                                "2026-01-01T00:00:00.Z",
                                "2026-01-01T00:00:00Zx",
                                "2026-01-01T00:00:00+2:00",
                                "2026-01-01T00:00:00+0200",
                                "2026-01-01T00:00:00+02:00Z",
                                "x026-01-01T00:00:00Z",
                                "0000-01-01T00:00:00+01:00",
                                "9999-12-31T23:59:59-01:00"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Timestamp::parse(bad), strata::Error);
  }
}

TEST_CASE("times are written, compared and hashed", "[timestamp]") {
  Timestamp const time{.seconds = 0, .nanoseconds = 5};
  std::ostringstream out;
  out << time;
  CHECK(out.str() == "1970-01-01T00:00:00.000000005Z");
  CHECK(Timestamp{.seconds = -1, .nanoseconds = 999'999'999} < time);
  CHECK(std::unordered_set<Timestamp>{time, time, Timestamp{}}.size() == 2);
}
