#include <strata/records/layer.hpp>
#include <strata/serializers/json_fields.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace {

/// A record of a user's own: one list of fields is all that a serializer needs.
struct Box {
  std::string id;
  std::vector<std::string> labels;
  std::map<std::string, std::int64_t> counts;
  strata::Extra extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, strata::Presence::always);
    visit("labels", self.labels, strata::Presence::always);
    visit("counts", self.counts, strata::Presence::when_set);
  }
};

std::string written(auto const& value) {
  std::string out;
  strata::serializers::json::write_value(out, value, strata::serializers::json::BadUtf8::replace);
  return out;
}

}  // namespace

TEST_CASE("a field is written when it is set, or always, in the order of the list", "[serializers][json]") {
  CHECK(written(Box{}) == R"({"id":"","labels":[]})");
  CHECK(written(Box{.id = "b",
                    .labels = {"x", ""},
                    .counts = {{"b", -1}, {"a", 0}},
                    .extra = {{"z", {"[ 1 ]"}}, {"a", {"null"}}}}) ==
        R"({"id":"b","labels":["x",""],"counts":{"a":0,"b":-1},"z":[1],"a":null})");
}
