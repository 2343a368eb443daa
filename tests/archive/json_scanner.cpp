#include <strata/archive/json_scanner.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using strata::archive::detail::JsonScanner;

namespace {

bool is_value(std::string const& text) {
  JsonScanner scanner(text);
  std::string held;
  return scanner.value(held) && scanner.at_end();
}

}  // namespace

TEST_CASE("json_scanner: values of any shape are passed over, up to a depth", "[archive][json_scanner]") {
  for (auto const* good : {"1", " null ", "\"a\\u00e9\\n\"", "[]", "{}", "[1,[2,{\"a\":[true]}]]",
                           "{\"a\":{\"b\":\"c\"},\"d\":-1.5e3}", "[\n 1 ,\t2\r]"}) {
    CAPTURE(good);
    CHECK(is_value(good));
  }
  for (auto const* bad : {"", "[", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{1:2}", "\"open", "\"\\x\"",
                          "\"\\ud800\"", "[1]]", "]"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_value(bad));
  }
  CHECK(is_value(std::string(15, '[') + "1" + std::string(15, ']')));
  CHECK_FALSE(is_value(std::string(100'000, '[')));
}

TEST_CASE("json_scanner: numbers, words and strings where they are expected", "[archive][json_scanner]") {
  JsonScanner scanner(R"( -9223372036854775808 , null,"plain" "a\u20ac\ud83d\ude00\/")");
  std::int64_t number = 0;
  std::string_view text;
  std::string held;
  CHECK(scanner.number(number));
  CHECK(number == INT64_MIN);
  CHECK(scanner.take(','));
  CHECK_FALSE(scanner.take(','));
  CHECK(scanner.take_word("null"));
  CHECK(scanner.take(','));
  CHECK(scanner.string(text, held));
  CHECK(text == "plain");
  CHECK(scanner.string(text, held));
  CHECK(text == "a\u20ac\U0001f600/");
  CHECK(scanner.at_end());
  for (auto const* bad : {"9223372036854775808", "-", "1x", "x", ""}) {
    JsonScanner other(bad);
    CHECK_FALSE((other.number(number) && other.at_end()));
  }
}
