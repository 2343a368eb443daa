#include <strata/records/layer.hpp>
#include <strata/serializers/json_slot.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace {

using namespace strata::serializers::json;

struct Box {
  std::string id;
  std::vector<unsigned char> bytes;
  std::map<std::string, std::int64_t> counts;
  strata::Timestamp when;
  strata::Extra extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, strata::Presence::always);
    visit("bytes", self.bytes, strata::Presence::always);
    visit("counts", self.counts, strata::Presence::when_set);
    visit("when", self.when, strata::Presence::when_set);
  }
};

}  // namespace

TEST_CASE("a key leads to the member of its name, in any order, exact before in another case",
          "[serializers][json]") {
  Box box;
  detail::OpenSlot open(slot_of(box));
  CHECK(open.member("counts").place == &box.counts);
  CHECK(open.member("id").place == &box.id);
  CHECK(open.member("COUNTS").place == &box.counts);
  CHECK(open.member("count\xC5\xBF").place == &box.counts);
  CHECK(open.member("when").place == &box.when);
  CHECK(box.extra.empty());
  auto const unknown = open.member("other");
  REQUIRE(box.extra.size() == 1);
  CHECK(box.extra[0].first == "other");
  CHECK(unknown.place == &box.extra[0].second);

  INFO("a structure that keeps no unknown keys lets them pass");
  strata::IdRange range;
  detail::OpenSlot small(slot_of(range));
  CHECK(small.member("size").place == &range.size);
  CHECK(small.member("other").takes == nullptr);
}

TEST_CASE("a place takes what its type can hold, and says no to the rest", "[serializers][json]") {
  Box box;
  auto const text = slot_of(box.id);
  CHECK(text.takes->text(text.place, "x"));
  CHECK(box.id == "x");
  CHECK(text.takes->integer == nullptr);

  auto const bytes = slot_of(box.bytes);
  box.bytes = {1, 2};
  bytes.takes->clear(bytes.place);
  auto const byte = bytes.takes->element(bytes.place);
  CHECK(byte.takes->integer(byte.place, 255));
  CHECK_FALSE(byte.takes->integer(byte.place, 256));
  CHECK_FALSE(byte.takes->integer(byte.place, -1));
  CHECK(box.bytes == std::vector<unsigned char>{255});

  auto const counts = slot_of(box.counts);
  auto const count = counts.takes->entry(counts.place, "a");
  CHECK(count.takes->integer(count.place, -1));
  CHECK(box.counts == std::map<std::string, std::int64_t>{{"a", -1}});

  auto const when = slot_of(box.when);
  CHECK(when.takes->text(when.place, "2026-11-23T18:00:00Z"));
  for (auto const* const time :
       {"2026-11-23T18:00:00", "2026-11-23T18:00:00.0", "2026-11-23T19:00:00+01:00"}) {
    box.when = {};
    CHECK(when.takes->text(when.place, time));
    CHECK(box.when.str() == "2026-11-23T18:00:00Z");
  }
  for (auto const* const time :
       {"yesterday", "", "2026-11-23", "2026-11-23 18:00:00", "2026-11-23T18:00:00+01"})
    CHECK_FALSE(when.takes->text(when.place, time));
}
