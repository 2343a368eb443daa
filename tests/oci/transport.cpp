#include <strata/oci/transport.hpp>

#include <catch2/catch.hpp>

#include <string_view>
#include <vector>

namespace oci = strata::oci;

TEST_CASE("names of headers are compared without regard to case", "[oci][transport]") {
  oci::HttpHeaders headers;
  headers.add("Link", "a");
  headers.add("LINK", "b");
  headers.add("Content-Length", "5");
  CHECK(headers.find("link") == "a");
  CHECK(headers.all("lInK") == std::vector<std::string_view>{"a", "b"});
  CHECK(!headers.find("lin"));
  CHECK(headers.content_length() == 5U);
  headers.remove("link");
  CHECK(!headers.find("Link"));
  CHECK(headers.find("content-length"));
}

TEST_CASE("a length is a number that a file can have", "[oci][transport]") {
  auto const length = [](char const* text) {
    oci::HttpHeaders headers;
    headers.add("Content-Length", text);
    return headers.content_length();
  };
  CHECK(length("0") == 0U);
  CHECK(length("9223372036854775807") == 9'223'372'036'854'775'807U);
  for (auto const* const text :
       {"", "-1", "+1", "1 ", "0x10", "9223372036854775808", "99999999999999999999999"}) {
    INFO(text);
    CHECK(!length(text));
  }
  CHECK(!oci::HttpHeaders().content_length());
}
