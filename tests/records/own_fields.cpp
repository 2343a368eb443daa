#include <strata/bodies.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/own_fields.hpp>
#include <strata/serializers/json.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

using namespace strata;

namespace own_fields_tests {

struct Labelled : LayerRecord {
  std::string team = "none";
  std::int64_t priority = 0;
  std::vector<std::string> tags = {};
  std::optional<bool> checked = {};

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("team", self.team);
    visit("priority", self.priority);
    visit("tags", self.tags);
    visit("checked", self.checked);
  }
};
static_assert(HasOwnFields<Labelled> && !HasOwnFields<LayerRecord>);
static_assert(detail::NamesOwnFields<Labelled> && !detail::NamesOwnFields<LayerRecord>);

struct OneWay : LayerRecord {
  static void own_fields(OneWay&, detail::AnyField const&) {}
};
class Hidden : public LayerRecord {
  template <class Self, class Visitor>
  static void own_fields(Self&, Visitor&&) {}
};
static_assert(!HasOwnFields<OneWay> && detail::NamesOwnFields<OneWay>);
static_assert(!HasOwnFields<Hidden> && detail::NamesOwnFields<Hidden>);

using Flagged = OwnFieldSerializer<serializers::Json>;
static_assert(std::is_same_v<SerializerOf<serializers::Json, LayerRecord>, serializers::Json>);
static_assert(std::is_same_v<SerializerOf<serializers::Json, LayerRecord, Labelled>, Flagged>);

std::string encoded(Labelled const& record) {
  std::vector<Row<Labelled>> const rows{std::make_shared<Labelled const>(record)};
  return Flagged::encode(std::span<Row<Labelled> const>(rows), std::span<std::string const>());
}

}  // namespace own_fields_tests

using own_fields_tests::Labelled;

TEST_CASE("own fields are flags in the file, and fields in the program", "[records][own_fields]") {
  Labelled record;
  record.id = "one";
  record.team = "storage \"x\"";
  record.priority = 7;
  record.tags = {"a", "b"};
  record.checked = true;
  record.flags["other"] = {"[1]"};
  auto const text = own_fields_tests::encoded(record);
  CHECK(text.find(
            R"("flags":{"checked":true,"other":[1],"priority":7,"tags":["a","b"],"team":"storage \"x\""})") !=
        std::string::npos);
  auto const back = own_fields_tests::Flagged::decode<Labelled>(text);
  REQUIRE(back.records.size() == 1);
  CHECK(back.records[0].team == record.team);
  CHECK(back.records[0].priority == 7);
  CHECK(back.records[0].tags == record.tags);
  CHECK(back.records[0].checked == true);
  CHECK(back.records[0].flags == record.flags);  // the others stay what they are
}

TEST_CASE("a value that a new record has as well is not written", "[records][own_fields]") {
  Labelled record;
  record.id = "one";
  CHECK(own_fields_tests::encoded(record).find("flags") == std::string::npos);
  record.team = "";  // not the default
  CHECK(with_own_flags(record).flags == Flags{{"team", {"\"\""}}});
  CHECK(record.flags.empty());  // a copy was made
}

TEST_CASE("a flag of the name whose value has another type stays a flag", "[records][own_fields]") {
  Labelled record;
  record.flags = {{"priority", {"\"high\""}}, {"tags", {"[1,2]"}}, {"team", {"\"t\""}}, {"checked", {"{"}}};
  take_own_fields(record);
  CHECK(record.priority == 0);
  CHECK(record.tags.empty());
  CHECK(record.team == "t");
  CHECK(record.flags == Flags{{"priority", {"\"high\""}}, {"tags", {"[1,2]"}}, {"checked", {"{"}}});
}

TEST_CASE("a record without own fields passes as it is", "[records][own_fields]") {
  LayerRecord record;
  record.id = "one";
  record.flags["team"] = {"\"t\""};
  std::vector<Row<LayerRecord>> const rows{std::make_shared<LayerRecord const>(record)};
  auto const text = own_fields_tests::Flagged::encode(std::span<Row<LayerRecord> const>(rows),
                                                      std::span<std::string const>());
  CHECK(text ==
        serializers::Json::encode(std::span<Row<LayerRecord> const>(rows), std::span<std::string const>()));
  CHECK(own_fields_tests::Flagged::decode<LayerRecord>(text).records.at(0).flags == record.flags);
}
