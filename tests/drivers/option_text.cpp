#include <strata/drivers/option_text.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

using strata::Errc;
using namespace strata::drivers;

namespace {
std::string size_refusal(std::string const& text) {
  try {
    return std::to_string(parse_size(text));
  } catch (strata::Error const& error) {
    CHECK(error.code() == Errc::driver_option);
    return error.subject();
  }
}
}  // namespace

TEST_CASE("an option is parted into prefix, key and value", "[drivers][options]") {
  auto const own = own_option(" btrfs.Min_Space = 10 G ", {"btrfs."});
  REQUIRE(own);
  CHECK(own->given == "btrfs.Min_Space");
  CHECK(own->key == "min_space");
  CHECK(own->value == "10 G");
  CHECK(own_option("size=a=b", {"btrfs."})->value == "a=b");
  CHECK(own_option(".size=1", {"btrfs."})->key == "size");
  CHECK(own_option("bogus.size=1", {"btrfs."})->key == "bogus.size");
  CHECK_FALSE(own_option("overlay.size=1", {"btrfs."}));
  CHECK_THROWS_AS(own_option("foo", {"btrfs."}), strata::Error);
}

TEST_CASE("sizes are read as people write them", "[drivers][options]") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("7b") == 7);
  CHECK(parse_size("10m") == 10U << 20U);
  CHECK(parse_size("10 MB") == 10U << 20U);
  CHECK(parse_size("1.5GiB") == 3U << 29U);
  CHECK(parse_size("2T") == std::uint64_t{2} << 40U);
  CHECK(size_refusal("zz") == "invalid size: 'zz'");
  CHECK(size_refusal("") == "invalid size: ''");
  CHECK(size_refusal("-1k") == "invalid size: '-1k'");
  CHECK(size_refusal("1x") == "invalid suffix: 'x'");
  CHECK(size_refusal("1kk") == "invalid suffix: 'kk'");
  CHECK(size_refusal("1kib1") != "accepted");
  CHECK(size_refusal("nan1") == "strconv.ParseFloat: parsing \"nan1\": invalid syntax");
  CHECK(size_refusal("99999999p").starts_with("invalid size"));
  CHECK(human_size(0) == "0B");
  CHECK(human_size(999) == "999B");
  CHECK(human_size(10U << 20U) == "10.49MB");
  CHECK(human_size(5'000'000'000) == "5GB");
}
