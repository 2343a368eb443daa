#include <strata/serializers/json_text.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using strata::serializers::json::BadUtf8;
using strata::serializers::json::Scanner;
using strata::serializers::json::write_string;
using strata::serializers::json::WrongType;

TEST_CASE("a string is read as it was written, wherever the special characters stand",
          "[serializers][json]") {
  for (std::string const special :
       {"\"", "\\", "\n", "<", "\xC3\xA9", "\xF0\x9F\x90\xB3", "\x1F", "\xE2\x80\xA8", "\x7F"})
    for (std::size_t before = 0; before < 20; ++before)
      for (std::size_t after : {0U, 1U, 7U, 8U, 9U}) {
        auto const text = std::string(before, 'x') + special + std::string(after, ' ');
        std::string literal;
        write_string(literal, text);
        std::string scratch;
        Scanner in(literal);
        CHECK(in.read_string(scratch) == text);
        CHECK(in.at_end());
      }
}

TEST_CASE("UTF-8 is told from what only looks like it", "[serializers][json]") {
  using strata::serializers::json::utf8_length;
  auto const length = [](std::string const& text) {
    return utf8_length(text.data(), text.data() + text.size());
  };
  CHECK(length("a") == 1);
  CHECK(length("\xC2\x80") == 2);
  CHECK(length("\xE0\xA0\x80") == 3);
  CHECK(length("\xED\x9F\xBF") == 3);
  CHECK(length("\xF4\x8F\xBF\xBF") == 4);
  for (std::string const bad :
       {"", "\x80", "\xC1\xBF", "\xC2", "\xC2x", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\x90", "\xFF"})
    CHECK(length(bad) == 0);
}

TEST_CASE("any value can be passed over and kept as text without its white space", "[serializers][json]") {
  for (std::string const text :
       {"0", "-0", "1.5", "1e5", "-2E-3", "true", "false", "null", "\"\"", "\" \\\" \"", "[]", "{}",
        "[[],{}]", "{\"a\":[1,2,{\"b\":null}],\" \":\" \"}"}) {
    std::string out;
    Scanner plain(text);
    plain.read_raw(out);
    CHECK(out == text);
    CHECK(plain.at_end());

    std::string spaced;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (quoted && text[i] == '\\')
        spaced += text[i++];
      else if (text[i] == '"')
        quoted = !quoted;
      spaced += text[i];
      if (!quoted && std::string_view("[]{},:").find(text[i]) != std::string_view::npos) spaced += " \n\t\r";
    }
    spaced.insert(0, " ");
    Scanner in(spaced);
    in.read_raw(out);
    CHECK(out == text);
  }
}

TEST_CASE("what is JSON of another type is told from what is no JSON", "[serializers][json]") {
  std::string scratch;
  CHECK_THROWS_AS(Scanner("7").read_string(scratch), WrongType);
  CHECK_THROWS_AS(Scanner("\"7\"").read_integer<int>(), WrongType);
  CHECK_THROWS_AS(Scanner("1.0").read_integer<int>(), WrongType);
  CHECK_THROWS_AS(Scanner("300").read_integer<unsigned char>(), WrongType);
  CHECK_THROWS_AS(Scanner("-1").read_integer<unsigned>(), WrongType);
  CHECK_THROWS_AS(Scanner("-").read_integer<int>(), strata::Error);
  CHECK_THROWS_AS(Scanner("").read_integer<int>(), strata::Error);
  CHECK_THROWS_AS(Scanner("\"a").read_string(scratch), strata::Error);
  CHECK(Scanner("-9223372036854775808").read_integer<std::int64_t>() ==
        std::numeric_limits<std::int64_t>::min());
}
