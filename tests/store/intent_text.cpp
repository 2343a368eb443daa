#include <strata/store/intent_text.hpp>

#include <catch2/catch.hpp>

#include <cstdint>

using strata::detail::IntentText;

TEST_CASE("intent text is read line by line, then the rest", "[store][intent_text]") {
  IntentText text("name\n-12\nnone\nmore\nlines");
  CHECK(text.line() == "name");
  CHECK(text.number<std::int64_t>() == -12);
  CHECK(text.number<std::uint64_t>() == 0);
  CHECK(text.rest() == "more\nlines");
}

TEST_CASE("a truncated intent text reads as empty lines", "[store][intent_text]") {
  IntentText text("name");
  CHECK(text.line() == "name");
  CHECK(text.line().empty());
  CHECK(text.number<int>() == 0);
  CHECK(text.rest().empty());
}
