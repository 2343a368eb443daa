#include <strata/formatters.hpp>

#include <catch2/catch.hpp>

#include <string>

#if defined(__cpp_lib_format)

TEST_CASE("ids, references, digests and times are formatted as texts", "[formatters]") {
  strata::LayerId const id("0123456789abcdef");
  CHECK(std::format("{}", id) == "0123456789abcdef");
  CHECK(std::format("{:.12}|{:>18}", id, strata::ImageId("0123456789abcdef")) ==
        "0123456789ab|  0123456789abcdef");
  CHECK(std::format("{:-<6}", strata::Ref("base")) == "base--");
  auto const text = "sha256:" + std::string(64, 'a');
  CHECK(std::format("{}", strata::Digest::parse(text)) == text);
  CHECK(std::format("{:.10}", strata::Timestamp::parse("2024-02-29T12:00:00Z")) == "2024-02-29");
  CHECK(std::format("{}", strata::Timestamp::parse("2024-02-29T12:00:00.5Z")) == "2024-02-29T12:00:00.5Z");
}

#else

TEST_CASE("without <format>, the header has no formatters", "[formatters]") {
  SUCCEED("this standard library has no <format>");
}

#endif
