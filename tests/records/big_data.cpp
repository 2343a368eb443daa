#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/big_data.hpp>

#include <catch2/catch.hpp>

using strata::big_data_file_name;
using strata::Errc;

TEST_CASE("a key is its file's name if it is plain, else its base64 is", "[item][big_data]") {
  // Seen with containers-storage 1.43 and 1.59.1.
  for (auto const* key : {"manifest", "plain.key9", "0.x", "A", "\xc3\xa9", "fooB", "foo-"})
    CHECK(big_data_file_name(key) == key);
  CHECK(big_data_file_name("Foo") == "=Rm9v");
  CHECK(big_data_file_name("a-b") == "=YS1i");
  CHECK(big_data_file_name("Under_score") == "=VW5kZXJfc2NvcmU=");
  CHECK(big_data_file_name("zstd-chunked-manifest") == "=enN0ZC1jaHVua2VkLW1hbmlmZXN0");
  CHECK(big_data_file_name("foo/") == "foo");
  CHECK(big_data_file_name("???") == "=Pz8");
  CHECK(big_data_file_name("\xc3\xa9x") == "=w6l4");
}

TEST_CASE("a key that no file can stand for is refused", "[item][big_data]") {
  for (std::string const& key : {std::string(), std::string("."), std::string(".."), std::string("/"),
                                 std::string("../"), std::string("a\0", 2), std::string(2000, 'x')}) {
    INFO(key);
    try {
      auto const name = big_data_file_name(key);
      FAIL(name);
    } catch (strata::Error const& error) {
      CHECK(error.code() == Errc::invalid_name);
    }
  }
}

TEST_CASE("no key leads out of its directory", "[item][big_data]") {
  for (auto const* key :
       {"../x", "../../etc/passwd", "/etc/passwd", "a/../../b", "./x", "x/..", "\xff/../y"}) {
    auto const name = big_data_file_name(key);
    INFO(name);
    auto const path = (strata::fs::path("/d") / name).lexically_normal().native();
    CHECK(path.starts_with("/d/"));
    CHECK(path.size() > 3);
  }
}
