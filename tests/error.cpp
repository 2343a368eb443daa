#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <system_error>

using namespace strata;

TEST_CASE("every code has a text of its own", "[error]") {
  std::set<std::string> texts;
  for (int value = 1; value <= static_cast<int>(Errc::stopped); ++value) {
    auto const text = make_error_code(static_cast<Errc>(value)).message();
    INFO(value);
    CHECK(text != "unknown error");
    CHECK(texts.insert(text).second);
  }
  CHECK(make_error_code(static_cast<Errc>(static_cast<int>(Errc::stopped) + 1)).message() == "unknown error");
  CHECK(error_category().name() == std::string("strata"));
}

TEST_CASE("an error has a code to act upon, a subject to read and who stands in the way", "[error]") {
  Error const used(Errc::layer_has_children, "layer \"base\"", "top");
  CHECK(used.code() == Errc::layer_has_children);
  CHECK(used.subject() == "layer \"base\"");
  CHECK(used.holder() == "top");
  CHECK(used.what() == std::string("layer \"base\": layer has children"));
  CHECK(used.in_use());
  CHECK_FALSE(used.not_found());

  Error const missing(Errc::image_unknown, "image \"x\"");
  CHECK(missing.not_found());
  CHECK_FALSE(missing.in_use());
  CHECK(missing.holder().empty());

  Error const kernel(std::error_code(ENOENT, std::system_category()), "open /x");
  CHECK(kernel.code() == std::errc::no_such_file_or_directory);
  CHECK_FALSE(kernel.not_found());
}
