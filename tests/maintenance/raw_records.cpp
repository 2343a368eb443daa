#include <strata/drivers/memory.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;

namespace raw_records_tests {

using Traits = LayerTraits<drivers::Memory, serializers::Json>;

LayerRecord named(std::string id, std::vector<std::string> names) {
  LayerRecord record;
  record.id = std::move(id);
  record.names = std::move(names);
  return record;
}

void keep(RawRecords<LayerRecord>& kept, std::string id, std::vector<std::string> names) {
  detail::keep<Traits>(kept, named(std::move(id), std::move(names)));
}

}  // namespace raw_records_tests

using raw_records_tests::keep;
using Names = std::vector<std::string>;

TEST_CASE("records without a fault are kept as they are", "[maintenance][raw_records]") {
  RawRecords<LayerRecord> kept;
  keep(kept, "a", {"one", "two"});
  keep(kept, "b", {});
  CHECK(kept.problems.empty());
  REQUIRE(kept.rows.size() == 2);
  CHECK(kept.find("a")->names == Names{"one", "two"});
  CHECK(kept.has_own("b"));
  CHECK(kept.find("c") == nullptr);
}

TEST_CASE("a name of two records is that of the later one, and told", "[maintenance][raw_records]") {
  RawRecords<LayerRecord> kept;
  keep(kept, "a", {"x", "mine"});
  keep(kept, "b", {"x"});
  CHECK(kept.find("a")->names == Names{"mine"});
  CHECK(kept.find("b")->names == Names{"x"});
  REQUIRE(kept.problems.size() == 1);
  CHECK(kept.problems[0].kind == ProblemKind::duplicate_name);
  CHECK(kept.problems[0].id == "b");
  CHECK(kept.problems[0].about == "x");
  CHECK(kept.problems[0].action == RepairAction::repair);
}

TEST_CASE("a name that a process passed on between files is that of the newer file",
          "[maintenance][raw_records]") {
  for (bool const first_is_newer : {false, true}) {
    RawRecords<LayerRecord> kept;
    auto const add = [&](char const* id, RecordPlace place) {
      auto record = raw_records_tests::named(id, {"x"});
      record.place = place;
      detail::keep<raw_records_tests::Traits>(kept, std::move(record),
                                              [&](RecordPlace one, RecordPlace other) {
                                                CHECK(one == RecordPlace::main);
                                                CHECK(other == RecordPlace::image_store);
                                                return first_is_newer;
                                              });
    };
    add("a", RecordPlace::main);
    add("b", RecordPlace::image_store);
    CHECK(kept.find("a")->names == (first_is_newer ? Names{"x"} : Names{}));
    CHECK(kept.find("b")->names == (first_is_newer ? Names{} : Names{"x"}));
    REQUIRE(kept.problems.size() == 1);
    CHECK(kept.problems[0].kind == ProblemKind::duplicate_name);
    CHECK(kept.problems[0].severity == Severity::note);  // nothing is lost
  }
}

TEST_CASE("a name that a record lists twice is none of it", "[maintenance][raw_records]") {
  RawRecords<LayerRecord> kept;
  keep(kept, "a", {"x", "y", "x"});
  CHECK(kept.find("a")->names == Names{"y"});
  REQUIRE(kept.problems.size() == 1);
  CHECK(kept.problems[0].text == "layer a: name \"x\" is recorded twice");
  keep(kept, "b", {"x"});  // free again
  CHECK(kept.problems.size() == 1);
}

TEST_CASE("of two records of an id the later one is kept, in the place of the first",
          "[maintenance][raw_records]") {
  RawRecords<LayerRecord> kept;
  keep(kept, "a", {"old"});
  keep(kept, "b", {});
  keep(kept, "a", {"new"});
  REQUIRE(kept.rows.size() == 2);
  CHECK(kept.rows[0].id == "a");
  CHECK(kept.find("a")->names == Names{"new"});
  REQUIRE(kept.problems.size() == 1);
  CHECK(kept.problems[0].kind == ProblemKind::duplicate_id);
}

TEST_CASE("records of read-only stores are found behind the store's own", "[maintenance][raw_records]") {
  RawRecords<LayerRecord> kept;
  keep(kept, "a", {"own"});
  kept.others.try_emplace("a", raw_records_tests::named("a", {"theirs"}), "/other");
  kept.others.try_emplace("c", raw_records_tests::named("c", {"theirs"}), "/other");
  CHECK(kept.find("a")->names == Names{"own"});
  CHECK(kept.find("c")->names == Names{"theirs"});
  CHECK_FALSE(kept.has_own("c"));
}
