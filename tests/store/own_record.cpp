#include <strata/drivers/vfs.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "stores.hpp"
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace strata;
using stores::code_of;
using stores::Fixture;

namespace {

/// Fields that every kind of item gets.
template <class Base>
struct Owned : Base {
  std::string owner = {};
  std::int64_t rank = 0;
  std::vector<std::string> topics = {};
  std::map<std::string, std::string> links = {};

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("owner", self.owner);
    visit("rank", self.rank);
    visit("topics", self.topics);
    visit("links", self.links);
  }
};

template <class D, class S>
struct OwnedTraits : StoreTraits<D, S> {
  struct Layer : LayerTraits<D, S> {
    using Record = Owned<LayerRecord>;
  };
  struct Image : ImageTraits<D, S> {
    using Record = Owned<ImageRecord>;
  };
  struct Container : ContainerTraits<D, S> {
    using Record = Owned<ContainerRecord>;
  };
};

template <class D, class S>
using OwnedStore = Store<D, S, durability::None, OwnedTraits<D, S>>;
using InJson = OwnedStore<drivers::Vfs, serializers::Json>;
using InJournal = OwnedStore<drivers::Vfs, serializers::Journal>;

struct Weighted : LayerRecord {
  std::int64_t weight = 5;
  std::string label = "none";

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("weight", self.weight);
    visit("label", self.label);
  }
};

template <class D, class S>
struct WeightedTraits : StoreTraits<D, S> {
  struct Layer : LayerTraits<D, S> {
    using Record = Weighted;
  };
};

auto const edit_own = [](auto& record) {
  record.owner = "us \"\n";
  record.rank = -7;
  record.topics = {"one", "two"};
  record.links = {{"a", "b"}};
  record.flags["theirs"] = {"[1,2]"};
  record.extra.emplace_back("unknown", RawJson{"{\"k\":1}"});
};

template <class Item>
void check_owned(Item const& item) {
  auto const& record = item.record();
  CHECK(record.owner == "us \"\n");
  CHECK(record.rank == -7);
  CHECK(record.topics == std::vector<std::string>{"one", "two"});
  CHECK(record.links == std::map<std::string, std::string>{{"a", "b"}});
  CHECK(record.flags.at("theirs").text == "[1,2]");
  CHECK_FALSE(record.flags.contains("owner"));
  CHECK(record.extra.size() == 1);
}

}  // namespace

TEMPLATE_TEST_CASE("fields of a user's own are edited, kept and read again for each kind of item",
                   "[store][own_record]", InJson, InJournal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto layer =
      store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "text"}})), {.id = "1a"});
  auto image = store.images().create({.id = "2a", .top_layer = layer});
  auto box = store.containers().create(image, {.id = "3a"});
  layer.edit(edit_own);
  image.edit(edit_own);
  box.edit(edit_own);
  check_owned(layer);

  // what changes an item by other calls takes them along
  layer.add_names({"named"});
  layer.set_metadata("text");
  layer.apply(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "text"}})));
  image.set_names({"named"});
  image.big_data().set("key", "bytes");
  box.set_metadata("text");

  TestType again(fixture.options());
  check_owned(again.layers().get("1a"));
  check_owned(again.images().get("named"));
  check_owned(again.containers().get("3a"));
  CHECK(check(again).clean());
}

TEMPLATE_TEST_CASE("an edit that throws or changes what ties a record changes nothing", "[store][own_record]",
                   InJson, InJournal) {
  Fixture<TestType> fixture;
  auto layer = fixture.store.layers().create({.id = "1a", .names = {"name"}});
  auto box = fixture.store.containers().create("", {.id = "3a"});
  layer.edit(edit_own);
  auto const refused = [&](auto&& change) {
    CHECK(code_of([&] { layer.edit(change); }) == Errc::record_field);
    fixture.store.layers().get("1a").refresh();
    check_owned(fixture.store.layers().get("name"));
  };
  refused([](auto& record) { record.id = "2b"; });
  refused([](auto& record) { record.names.clear(); });
  refused([](auto& record) { record.parent = "2b"; });
  refused([](auto& record) { record.created = {}; });
  refused([](auto& record) { record.big_data_names = {"key"}; });
  refused([](auto& record) { record.place = RecordPlace::image_store; });
  refused([](auto& record) { record.extra.emplace_back("id", RawJson{"\"2b\""}); });
  CHECK(code_of([&] { box.edit([](auto& record) { record.layer.clear(); }); }) == Errc::record_field);
  CHECK_THROWS_AS(layer.edit([](auto& record) {
    record.owner = "other";
    throw std::runtime_error("no");
  }),
                  std::runtime_error);
  check_owned(fixture.store.layers().get("1a"));
  fixture.store.layers().remove("1a");
  CHECK(code_of([&] { layer.edit(edit_own); }) == Errc::layer_unknown);
}

namespace {

void alter(std::string& text) { text += 'x'; }
void alter(std::int64_t& number) { ++number; }
void alter(Timestamp& time) { time = Timestamp::now(); }
void alter(Flags& flags) { flags["other"] = {"true"}; }
void alter(std::map<std::string, std::int64_t>& sizes) { ++sizes["key"]; }
void alter(std::map<std::string, std::string>& digests) { digests["key"] += 'x'; }
template <class T>
void alter(std::vector<T>& list) {
  list.emplace_back();
}

/// Edits each field by itself, and says which edits were refused and which not.
template <class Item>
void edit_each(Item& item) {
  using Record = typename Item::Record;
  std::vector<std::string> keys;
  Record::fields(item.record(), [&](std::string_view key, auto const&, Presence) { keys.emplace_back(key); });
  for (auto const& key : keys) {
    INFO(Item::kind << ", " << key);
    auto const before = item.record();
    bool const allowed = key == "metadata" || key == "mountlabel" || key == "flags";
    std::string subject = "none";
    try {
      item.edit([&](Record& record) {
        Record::fields(record, [&](std::string_view name, auto& field, Presence) {
          if (name == key) alter(field);
        });
      });
    } catch (Error const& error) {
      CHECK(error.code() == Errc::record_field);
      subject = error.subject();
    }
    CHECK(subject == (allowed ? "none" : std::string(Item::kind) + " \"" + item.record().id + "\", " + key));
    if (allowed) continue;
    item.refresh();
    CHECK(detail::changed_fixed_field<typename Item::Traits>(before, item.record()).empty());
  }
}

}  // namespace

TEMPLATE_TEST_CASE("an edit changes no field that describes files or other items", "[store][own_record]",
                   InJson, InJournal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto layer = store.layers().import(memory_source(stores::tar_of({{"file", "text"}})), {.id = "1a"});
  auto image = store.images().create({.id = "2a", .top_layer = layer});
  image.big_data().set("key", "bytes");
  auto box = store.containers().create(image, {.id = "3a"});
  edit_each(layer);
  edit_each(image);
  edit_each(box);
  CHECK(code_of([&] { layer.edit([](auto& record) { record.flags["incomplete"] = {"true"}; }); }) ==
        Errc::record_field);
  CHECK(code_of([&] { box.edit([](auto& record) { record.flags["Volatile"] = {"true"}; }); }) ==
        Errc::record_field);
  auto const hidden = [](auto& record) { record.extra.emplace_back("diff-size", RawJson{"3"}); };
  CHECK(code_of([&] { layer.edit(hidden); }) == Errc::record_field);
  CHECK(check(store).clean());
}

TEST_CASE("a flag that is no value of an own field's type stays a flag", "[store][own_record]") {
  Fixture<InJson> fixture;
  fixture.store.layers().create({.id = "1a"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(text.rfind('}'), R"(,"flags":{"owner":3,"rank":"high","topics":["t"]})");
  fs::ofstream(file) << text;
  auto layer = fixture.store.layers().get("1a");
  CHECK(layer.record().owner.empty());
  CHECK(layer.record().flags.at("owner").text == "3");
  CHECK(layer.record().topics == std::vector<std::string>{"t"});
  layer.set_metadata("text");
  CHECK(sys::read_file(file).find(R"("flags":{"owner":3,"rank":"high","topics":["t"]})") !=
        std::string::npos);
}

TEMPLATE_TEST_CASE("fields of a user's own that have a default of their own keep any value, texts any bytes",
                   "[store][own_record]", serializers::Json, serializers::Journal) {
  using S = Store<drivers::Vfs, TestType, durability::None, WeightedTraits<drivers::Vfs, TestType>>;
  Fixture<S> fixture;
  fixture.store.layers().create({.id = "1a"});
  for (std::int64_t const weight : {0, 5, 7}) {
    fixture.store.layers().get("1a").edit([&](auto& record) {
      record.weight = weight;
      record.label = "\xff";
    });
    auto const layer = S(fixture.options()).layers().get("1a");
    CHECK(layer.record().weight == weight);
    CHECK(layer.record().label == "\xff");
    CHECK(layer.record().flags.empty());
  }
}

TEST_CASE("repairs keep fields of a user's own", "[store][own_record]") {
  Fixture<InJson> fixture;
  auto layer = fixture.store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "text"}})),
                                             {.id = "1a"});
  auto image = fixture.store.images().create({.id = "2a", .top_layer = layer});
  layer.edit(edit_own);
  image.edit(edit_own);
  image.big_data().set("key", "bytes");
  fs::permissions(fixture.graph() / "vfs/dir/1a/d/file", fs::perms::owner_all);
  auto const file = fixture.graph() / "vfs-images/images.json";
  auto text = sys::read_file(file);
  text.pop_back();  // a file that was cut short
  fs::ofstream(file) << text;
  auto const report = repair(fixture.store);
  CHECK(report.after.clean());
  check_owned(fixture.store.layers().get("1a"));
  check_owned(fixture.store.images().get("2a"));
}
