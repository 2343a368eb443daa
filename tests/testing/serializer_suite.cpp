#include <strata/serializers/json.hpp>
#include <strata/testing/serializer_suite.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

TEST_CASE("generated records are the same for the same seed, and cover what is odd", "[testing]") {
  strata::testing::RandomRecords first(5);
  strata::testing::RandomRecords second(5);
  std::set<std::string> ids;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    auto const record = first.make<strata::LayerRecord>();
    CHECK(strata::testing::describe(record) == strata::testing::describe(second.make<strata::LayerRecord>()));
    ids.insert(record.id);
    all += strata::testing::describe(record);
  }
  CHECK(ids.size() == 100);
  for (std::string const odd :
       {"9223372036854775807", "-9223372036854775808", "4294967295", "\xF0\x9F\x90\xB3", "null", "\n"})
    CHECK(all.find(odd) != std::string::npos);
}
