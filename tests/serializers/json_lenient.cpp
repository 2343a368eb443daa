#include <strata/serializers/json_lenient.hpp>

#include <catch2/catch.hpp>

#include <string>

using strata::serializers::json::lenient;

TEST_CASE("halves of surrogate pairs and large exponents are replaced, and nothing else",
          "[serializers][json]") {
  CHECK(lenient(R"("\ud83d\udc33")") == R"("\ud83d\udc33")");
  CHECK(lenient(R"("\uD83D\uDC33")") == R"("\uD83D\uDC33")");
  CHECK(lenient(R"("\ud83dx\udc33")") == R"("\ufffdx\ufffd")");
  CHECK(lenient(R"("\ud83d\ud83d\udc33")") == R"("\ufffd\ud83d\udc33")");
  CHECK(lenient(R"("\\ud83d \u00e9")") == R"("\\ud83d \u00e9")");
  CHECK(lenient(R"([1e99999999999,1E-2147483648,1e+5,true])") ==
        R"([1e00000000000,1E-0000000000,1e+5,true])");
  CHECK(lenient(R"("1e99999999999")") == R"("1e99999999999")");
  for (std::string const broken : {"\"\\", "\"\\u", "\"\\ud83", "\"\\ud8zz\"", "1e", "1e+", "e", ""})
    CHECK(lenient(broken) == broken);
}

TEST_CASE("each byte that is not UTF-8 is replaced", "[serializers][json]") {
  std::string text = "a\x80\xC3\xA9\xED\xA0\x80z\xF0\x9F";
  strata::serializers::json::replace_bad_utf8(text);
  std::string const bad = "\xEF\xBF\xBD";
  CHECK(text == "a" + bad + "\xC3\xA9" + bad + bad + bad + "z" + bad + bad);
}
