// The models of examples/ are written as a user would write them; they must pass the suites that a user would run.
#define STRATA_EXAMPLE_AS_HEADER
#include <strata/testing/driver_suite.hpp>
#include <strata/testing/serializer_suite.hpp>

#include <catch2/catch.hpp>

#include "../examples/own_driver.cpp"
#include "../examples/own_record.cpp"
#include "../examples/own_serializer.cpp"
#include <iostream>
#include <sstream>
#include <string>

namespace {

/// Keeps what an example prints out of the report of the tests.
class Captured {
 public:
  Captured() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~Captured() { std::cout.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

TEST_CASE("the driver of the example keeps the driver contract", "[examples][drivers]") {
  Captured const output;
  strata::testing::driver_suite<LoggingDriver>();
}

TEST_CASE("the driver of the example says what happens to layers", "[examples][drivers]") {
  Captured const output;
  LoggingDriver driver;
  strata::LayerId const id("one");
  driver.publish(id, driver.stage({}));
  driver.remove(id).empty();
  driver.remove(id).empty();
  CHECK(output.text() == "published one\nremoved one\n");
}

TEST_CASE("the serializer of the example keeps the serializer contract", "[examples][serializers]") {
  strata::testing::serializer_suite<Lines>();
}

TEST_CASE("records with fields of a user's own keep the serializers' contract", "[examples][serializers]") {
  strata::testing::serializer_suite<strata::serializers::Json, TeamLayer>();
  strata::testing::serializer_suite<strata::serializers::Journal, TeamLayer>();
  strata::testing::serializer_suite<Lines, TeamLayer>();
}
