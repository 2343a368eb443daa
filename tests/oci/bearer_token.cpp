#include <strata/error.hpp>
#include <strata/oci/bearer_token.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <chrono>
#include <string>

namespace oci = strata::oci;
using namespace std::chrono_literals;

TEST_CASE("answers of servers of tokens", "[oci][bearer_token]") {
  CHECK(oci::parse_token(R"({"token":"a","expires_in":300})", "x").text == "a");
  CHECK(oci::parse_token(R"({"access_token":"b"})", "x").text == "b");
  CHECK(oci::parse_token(R"({"token":"a","access_token":"a","other":[1]})", "x").text == "a");
  auto const lifetime = [](std::string const& value) {
    return oci::parse_token(R"({"token":"a","expires_in":)" + value + '}', "x").lifetime;
  };
  CHECK(lifetime("300") == 300s);
  for (auto const* const value : {"5", "0", "-1", "null", "\"300\"", "1e99"}) CHECK(lifetime(value) == 60s);
  CHECK(lifetime("9000000000000000000") == 30 * 24h);
}

TEST_CASE("a token that does not fit into a header is refused, and not shown", "[oci][bearer_token]") {
  for (std::string const body :
       {"", "no", "[]", R"({"token":null})", R"({"token":""})", R"({"token":"hid den"})",
        R"({"token":"hidden\n"})", R"({"token":"hidden","token":"hidden"})", R"({"token":"hidden)"}) {
    INFO(body);
    CHECK(oci_tools::error_of([&] { oci::parse_token(body, "the server"); },
                              "the server: no token in the answer") == strata::Errc::unexpected_answer);
  }
}

TEST_CASE("user name and password as a header has them", "[oci][bearer_token]") {
  CHECK(oci::basic_authorization({.username = "Aladdin", .password = "open sesame"}) ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}
