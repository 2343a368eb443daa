#include "../../examples/oci-storage/go_duration.hpp"

#include <catch2/catch.hpp>

#include <string>

using oci_storage::go_duration;
using namespace std::chrono_literals;

namespace {
std::string complaint(char const* text) {
  try {
    go_duration(text);
  } catch (std::exception const& error) {
    return error.what();
  }
  return "none";
}
}  // namespace

TEST_CASE("durations are read as Go reads them", "[oci-storage]") {
  CHECK(go_duration("24h") == 24h);
  CHECK(go_duration("1h30m") == 90min);
  CHECK(go_duration("1.5s") == 1500ms);
  CHECK(go_duration(".5s") == 500ms);
  CHECK(go_duration("0") == 0s);
  CHECK(go_duration("0s") == 0s);
  CHECK(go_duration("-2us") == -2us);
  CHECK(go_duration("3\u00b5s") == 3us);
  CHECK(go_duration("1ns") == 1ns);
  CHECK(complaint("bogus") == "time: invalid duration \"bogus\"");
  CHECK(complaint("5") == "time: missing unit in duration \"5\"");
  CHECK(complaint("5y") == "time: unknown unit \"y\" in duration \"5y\"");
  CHECK(complaint("-") == "time: invalid duration \"-\"");
  CHECK(complaint(".s") == "time: invalid duration \".s\"");
  CHECK(complaint("99999999999h") == "time: invalid duration \"99999999999h\"");
}
