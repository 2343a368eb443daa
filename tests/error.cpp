#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include <optional>
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

TEST_CASE("codes of the library compare equal to portable conditions", "[error]") {
  CHECK(make_error_code(Errc::layer_unknown) == std::errc::no_such_file_or_directory);
  CHECK(make_error_code(Errc::data_unknown) == std::errc::no_such_file_or_directory);
  CHECK(make_error_code(Errc::duplicate_name) == std::errc::file_exists);
  CHECK(make_error_code(Errc::image_used_by_container) == std::errc::device_or_resource_busy);
  CHECK(make_error_code(Errc::store_read_only) == std::errc::read_only_file_system);
  CHECK(make_error_code(Errc::record_field) == std::errc::operation_not_permitted);
  CHECK(make_error_code(Errc::unsupported_compression) == std::errc::not_supported);
  CHECK(make_error_code(Errc::invalid_mappings) == std::errc::invalid_argument);
  CHECK(make_error_code(Errc::corrupt_record) == std::errc::bad_message);
  CHECK(make_error_code(Errc::over_budget) == std::errc::file_too_large);
  CHECK(make_error_code(Errc::changed_meanwhile) == std::errc::resource_unavailable_try_again);
  CHECK(make_error_code(Errc::stopped) == std::errc::operation_canceled);
  CHECK(make_error_code(Errc::layer_unknown) != std::errc::file_exists);
  CHECK(make_error_code(Errc::layer_unknown) == Errc::layer_unknown);
  // A code without a portable condition equals none of them.
  auto const own = make_error_code(Errc::layer_not_mounted).default_error_condition();
  CHECK(own.category() == error_category());
  CHECK(own.value() == static_cast<int>(Errc::layer_not_mounted));
}

TEST_CASE("an error names code, kind, id and path apart from its text", "[error]") {
  Error const used =
      Error(Errc::layer_has_children, "layer \"base\"", "top").about(Subject::layer, "base").at("/graph");
  CHECK(used.errc() == Errc::layer_has_children);
  CHECK(used.kind() == Subject::layer);
  CHECK(used.id() == "base");
  CHECK(used.path() == "/graph");
  CHECK(used.holder() == "top");
  CHECK(used.what() == std::string("layer \"base\": layer has children"));
  try {
    throw Error(Errc::duplicate_name, "image name \"x\"", "1").about(Subject::image, "x");
  } catch (Error const& error) {  // copied into the exception
    CHECK(error.kind() == Subject::image);
    CHECK(error.id() == "x");
  }
  // What the code alone says.
  CHECK(Error(Errc::container_unknown, "").kind() == Subject::container);
  CHECK(Error(Errc::image_used_by_container, "").kind() == Subject::image);
  CHECK(Error(Errc::item_unknown, "").kind() == std::nullopt);
  Error const kernel(std::error_code(ENOENT, std::system_category()), "open /x");
  CHECK(kernel.errc() == std::nullopt);
  CHECK(kernel.kind() == std::nullopt);
  CHECK(kernel.id().empty());
}
