#include <strata/serializers/json_salvage.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace json = strata::serializers::json;

namespace json_salvage_tests {

/// The texts that are taken, if all are that `wanted` is in.
std::vector<std::string> objects(std::string_view text, std::string_view wanted = "") {
  std::vector<std::string> out;
  json::for_each_object(text, [&](std::string_view object) {
    if (object.find(wanted) == object.npos) return false;
    out.emplace_back(object);
    return true;
  });
  return out;
}

}  // namespace json_salvage_tests

using json_salvage_tests::objects;
using Texts = std::vector<std::string>;

TEST_CASE("whole objects are found in a text that is none", "[serializers][json_salvage]") {
  CHECK(objects("").empty());
  CHECK(objects("[]").empty());
  CHECK(objects(R"([{"a":1},{"b":{"c":2}}])") == Texts{R"({"a":1})", R"({"b":{"c":2}})"});
  CHECK(objects(std::string("\0\xff{\"a\":1}garbage{\"b\":2}", 23)) == Texts{R"({"a":1})", R"({"b":2})"});
}

TEST_CASE("what is cut off at the end is left out; what is before it is not", "[serializers][json_salvage]") {
  CHECK(objects(R"([{"a":1},{"b":2)") == Texts{R"({"a":1})"});
  CHECK(objects(R"({"a":{"b":1})") == Texts{R"({"b":1})"});  // the inner one is whole
  CHECK(objects("{{{").empty());
}

TEST_CASE("braces and quotes in texts are none", "[serializers][json_salvage]") {
  CHECK(objects(R"({"a":"}{"})") == Texts{R"({"a":"}{"})"});
  CHECK(objects(R"({"a":"\"}"}{"b":1})") == Texts{R"({"a":"\"}"})", R"({"b":1})"});
  CHECK(objects(R"({"a":"\\"}{"b":1})") == Texts{R"({"a":"\\"})", R"({"b":1})"});
  CHECK(objects(R"({"a":"\)").empty());
}

TEST_CASE("in an object that is not taken those inside are tried", "[serializers][json_salvage]") {
  CHECK(objects(R"({"x":{"id":1},"y":{"id":2}})", R"({"id")") == Texts{R"({"x":{"id":1},"y":{"id":2}})"});
  std::vector<std::string> taken;
  json::for_each_object(R"({"x":{"id":1},"y":{"id":2}})", [&](std::string_view object) {
    if (!object.starts_with(R"({"id")")) return false;
    taken.emplace_back(object);
    return true;
  });
  CHECK(taken == Texts{R"({"id":1})", R"({"id":2})"});
}

TEST_CASE("a text of nothing but beginnings is given up", "[serializers][json_salvage]") {
  std::string const text(50'000, '{');
  int tried = 0;
  json::for_each_object(text + "{}", [&](std::string_view) {
    ++tried;
    return true;
  });
  CHECK(tried == 0);  // the whole one lies behind too many that are not
}
