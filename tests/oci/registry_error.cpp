#include <strata/oci/registry_error.hpp>
#include <strata/sys/stream.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <utility>

namespace oci = strata::oci;

namespace registry_error_tests {  // several files of tests are compiled as one

namespace {

std::string read(std::string body, std::vector<std::string> const& secrets = {}) {
  oci::HttpResponse response{.status = 400};
  response.body = strata::memory_source(std::move(body));
  return oci::read_refusal(response, secrets).text();
}

}  // namespace

TEST_CASE("what a registry says of its reason is told", "[oci][registry_error]") {
  CHECK(read(R"({"errors":[{"code":"DENIED","message":"no"},{"code":"OTHER"}]})") ==
        "status 400, DENIED, \"no\"");
  CHECK(read(R"({"errors":[{"code":"DENIED","detail":{"a":1}}]})") == "status 400, DENIED");
  CHECK(read(R"({"error":"invalid_grant","error_description":"old"})") ==
        "status 400, invalid_grant, \"old\"");
  CHECK(read(R"({"details":"incorrect username or password"})") ==
        "status 400, \"incorrect username or password\"");
}

TEST_CASE("anything else that a registry says is not", "[oci][registry_error]") {
  for (auto const* const body :
       {"", "<html><body>no</body></html>", "{", "[]", "{}", R"({"errors":[]})", R"({"errors":["x"]})",
        R"({"errors":{"code":"x"}})", R"({"errors":[{"code":1,"message":null}]})", "plain text"}) {
    INFO(body);
    CHECK(read(body) == "status 400");
  }
  CHECK(read(R"({"errors":[{"code":"X","message":")" + std::string(100'000, 'x') + "\"}]}") == "status 400");
}

TEST_CASE("texts of strangers are bounded and fit to be shown", "[oci][registry_error]") {
  CHECK(read(R"({"errors":[{"message":"a\u001b[2J\n\u0000\u202e\\"}]})") ==
        "status 400, \"a\\x1b[2J\\x0a\\x00\\xe2\\x80\\xae\\x5c\"");
  CHECK(read(R"({"errors":[{"message":")" + std::string(500, 'x') + "\"}]}") ==
        "status 400, \"" + std::string(200, 'x') + "...\"");
  CHECK(read(R"({"errors":[{"message":"it is hunter2, hunter2!"}]})", {"", "hunter2"}) ==
        "status 400, \"it is ***, ***!\"");
}

}  // namespace registry_error_tests
