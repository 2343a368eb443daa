#include <strata/oci/www_authenticate.hpp>

#include <catch2/catch.hpp>

#include <string>

using strata::oci::parse_challenges;

namespace www_authenticate_tests {  // several files of tests are compiled as one

namespace {

/// "scheme{name=value;…}…"
std::string read(std::string_view header) {
  std::string out;
  for (auto const& challenge : parse_challenges(header)) {
    out += challenge.scheme + '{';
    for (auto const& [name, value] : challenge.parameters) out += name + '=' + value + ';';
    out += '}';
  }
  return out;
}

}  // namespace

TEST_CASE("challenges of WWW-Authenticate", "[oci][www_authenticate]") {
  CHECK(read(R"(Bearer realm="https://a/token",service="b c",scope="repository:x:pull,push")") ==
        "bearer{realm=https://a/token;scope=repository:x:pull,push;service=b c;}");
  CHECK(read("Basic") == "basic{}");
  CHECK(read("BASIC Realm = x") == "basic{realm=x;}");
  CHECK(read(R"(Basic realm="a", Bearer realm="b", charset=UTF-8)") ==
        "basic{realm=a;}bearer{charset=UTF-8;realm=b;}");
  CHECK(read(R"(, Basic realm="say \"hi\" \\", )") == R"(basic{realm=say "hi" \;})");
  CHECK(read("Negotiate, Basic realm=\"x\"") == "negotiate{}basic{realm=x;}");
  CHECK(read("Bearer realm=https://a/token,service=b") == "bearer{realm=https://a/token;service=b;}");
}

TEST_CASE("challenges that are none", "[oci][www_authenticate]") {
  CHECK(read("").empty());
  CHECK(read(",,, ").empty());
  CHECK(read("=").empty());
  CHECK(read("\"x\"").empty());
  CHECK(read(R"(Basic realm="a", Bearer realm="never ends)") == "basic{realm=a;}");
  CHECK(read("Basic realm=\"" + std::string(5000, 'x') + "\"") == "basic{}");
  std::string many = "Basic ";
  for (int i = 0; i < 100; ++i) many += "a" + std::to_string(i) + "=b,";
  CHECK(parse_challenges(many).at(0).parameters.size() == 32);
  many.clear();
  for (int i = 0; i < 100; ++i) many += "Basic, ";
  CHECK(parse_challenges(many).size() == 16);
  CHECK(parse_challenges("Basic").at(0).parameter("realm").empty());
}

}  // namespace www_authenticate_tests
