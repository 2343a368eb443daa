#include <strata/serializers/json_text.hpp>

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <string>

using strata::serializers::json::write_string;

TEST_CASE("a string is read as it was written, wherever the special characters stand",
          "[serializers][json]") {
  for (std::string const special :
       {"\"", "\\", "\n", "<", "\xC3\xA9", "\xF0\x9F\x90\xB3", "\x1F", "\xE2\x80\xA8", "\x7F"})
    for (std::size_t before = 0; before < 20; ++before)
      for (std::size_t after : {0U, 1U, 7U, 8U, 9U}) {
        auto const text = std::string(before, 'x') + special + std::string(after, ' ');
        std::string literal;
        write_string(literal, text);
        CHECK(boost::json::parse(literal).as_string() == text);
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

TEST_CASE("a byte that is not ASCII is found wherever it stands", "[serializers][json]") {
  using strata::serializers::json::is_ascii;
  for (std::size_t size = 0; size < 100; ++size) {
    std::string text(size, '\x7F');
    CHECK(is_ascii(text));
    for (std::size_t at = 0; at < size; ++at) {
      text[at] = '\x80';
      if (is_ascii(text)) FAIL_CHECK(at << " of " << size);
      text[at] = '\0';
    }
  }
}
