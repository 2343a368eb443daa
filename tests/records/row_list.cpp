#include <strata/fs.hpp>
#include <strata/records/index.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record_file.hpp>
#include <strata/records/row_list.hpp>
#include <strata/serializers/json.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "../static/driver_archetype.hpp"
#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace strata;

namespace {

using Layers = Index<LayerTraits<archetype::Driver, serializers::Json>>;
using File = RecordFile<LayerRecord, serializers::Json>;

std::string text_of(std::string const& id, std::string const& parent) {
  return R"({"id":")" + id + R"(","parent":")" + parent + R"(","created":"2020-01-01T00:00:00Z"})";
}

LayerRecord record_of(std::string const& text) { return serializers::Json::read_text<LayerRecord>(text); }

/// A serializer that changes how another one reads.
struct Marking : serializers::Json {
  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_each(std::string_view bytes, OnRecord&& on_record, OnUnreadable&& on_unreadable) {
    Json::decode_each<Record>(
        bytes,
        [&](Record&& record) {
          record.metadata += " marked";
          on_record(std::move(record));
        },
        on_unreadable);
  }
};

/// Layers read from one file, and written to it again.
struct Peer {
  explicit Peer(fs::path const& directory) : file(directory, "layers") {}
  File file;
  Layers rows = {};

  bool refresh() { return file.refresh(token, rows); }
  void commit(std::vector<RecordChange<LayerRecord>> const& changes) {
    for (auto const& change : changes)
      if (change.put)
        rows.put_row(change.put);
      else
        rows.erase(change.erase);
    file.commit([&] { return token += 'x'; }, [&] { return rows.kept_rows(); }, changes, Flush::none);
  }
  std::string token = {};
};

std::size_t kept(Layers const& index) {
  std::size_t count = 0;
  for (auto const& row : index.kept_rows()) count += row.text.empty() ? 0 : 1;
  return count;
}

/// All that an index says of some ids.
std::string told(Layers const& index) {
  std::string out;
  for (auto const& row : index.rows()) out += row->id + '<' + row->parent + ' ';
  for (auto const* const text : {"a1", "a2", "a3", "b1", "b", "a"}) {
    auto const row = index.find(text);
    out += '|' + (row ? row->id : "") + '>';
    for (auto const& user : index.referring_to(text)) out += user->id + ',';
  }
  return out + std::to_string(index.size());
}

}  // namespace

TEST_CASE("records that did not change are written as they were read", "[item][row_list]") {
  testing::TempDir const dir;
  std::string const odd =
      R"({"id":"odd","unknown":{"b":1,"a":[1.0,2e3]},"CREATED":"2020-01-01T01:00:00+01:00","diff-size":5.0})";
  std::string const named = R"({"id":"named","names":["n"],"created":"2020-01-01T00:00:00Z"})";
  sys::replace_file(dir / "layers.json", '[' + odd + ',' + text_of("plain", "odd") + ',' + named + ",17]");
  Peer peer(dir.path());
  REQUIRE(peer.refresh());
  CHECK(kept(peer.rows) == 2);
  CHECK_FALSE(peer.file.all_readable());
  CHECK(peer.rows.by_id("odd")->diff_size == 5);
  CHECK(peer.rows.by_id("odd")->created == Timestamp::parse("2020-01-01T00:00:00Z"));
  CHECK(peer.rows.find("pla")->parent == "odd");
  CHECK(peer.rows.by_name("n")->id == "named");

  auto const row = std::make_shared<LayerRecord const>(record_of(text_of("new", "plain")));
  peer.commit({{.put = row}});
  CHECK(sys::read_file(dir / "layers.json") ==
        '[' + odd + ',' + text_of("plain", "odd") + ',' + named + ',' + text_of("new", "plain") + ",17]");
  auto changed = record_of(odd);
  changed.metadata = "m";
  peer.commit({{.put = std::make_shared<LayerRecord const>(changed)}});
  CHECK(sys::read_file(dir / "layers.json")
            .starts_with(R"([{"id":"odd","metadata":"m","created":"2020-01-01T00:00:00Z","diff-size":5,)"
                         R"("unknown":{"b":1,"a":[1.0,2e3]}},{"id":"plain",)"));
  CHECK(kept(peer.rows) == 1);
  peer.commit({{.put = {}, .erase = "plain"}});
  CHECK(sys::read_file(dir / "layers.json").find("plain\",\"parent") == std::string::npos);
  CHECK_FALSE(peer.refresh());

  Peer other(dir.path());
  other.refresh();
  CHECK(other.rows.size() == 3);
  CHECK(other.rows.by_id("odd")->metadata == "m");
}

TEST_CASE("what cannot be written back as it is becomes a row at once", "[item][row_list]") {
  testing::TempDir const dir;
  for (std::string const text : {
           R"({"id":"x","names":["n"]})",                   // by which it is found
           R"({"id":"x","flags":{"incomplete":true}})",     // which recovery looks for
           R"({ "id":"x"})", R"({"parent":"y","id":"x"})",  // as Go does not write it
           R"({"id":"\u0078"})", R"({"id":"y","id":"x"})",  // the text is not the id
           "{\"id\":\"x\",\"metadata\":\"\xC3\xA4\"}",      // may need other bytes
           "{\"id\":\"x\",\"metadata\":\"\xFF\"}",          // does
           R"({"id":"x","metadata":"\ud800"})",             // Boost.JSON rejects it
       }) {
    INFO(text);
    sys::replace_file(dir / "layers.json", '[' + text + ']');
    Peer peer(dir.path());
    peer.refresh();
    CHECK(peer.rows.size() == 1);
    CHECK(kept(peer.rows) == 0);
    CHECK(peer.rows.by_id("x"));
  }
  sys::replace_file(dir / "layers.json", '[' + text_of("x", "old") + ',' + text_of("x", "new") + ']');
  Peer peer(dir.path());
  peer.refresh();
  CHECK(peer.rows.size() == 1);
  CHECK(peer.rows.by_id("x")->parent == "new");
}

TEST_CASE("a serializer that derives from one that keeps texts reads as it says", "[item][row_list]") {
  testing::TempDir const dir;
  sys::replace_file(dir / "layers.json", '[' + text_of("x", "p") + ']');
  Index<LayerTraits<archetype::Driver, Marking>> index;
  RecordFile<LayerRecord, Marking> file(dir.path(), "layers");
  file.refresh("token", index);
  CHECK(index.by_id("x")->metadata == " marked");
  CHECK(index.rows().front()->metadata == " marked");
}

TEST_CASE("an index of texts says what one of records says, whatever is done to it", "[item][row_list]") {
  std::mt19937 random(42);
  std::vector<std::string> const ids{"a1", "a2", "a3", "b1"};
  for (int round = 0; round < 300; ++round) {
    Layers texts;
    Layers records;
    auto const source = std::make_shared<std::vector<std::string>>();
    for (auto const& id : ids) source->push_back(text_of(id, ids[random() % ids.size()]));
    for (auto const& text : *source) {
      CHECK(texts.put_text(record_of(text), text, source));
      records.put(record_of(text));
    }
    std::vector<Layers::Undo> undo_texts;
    std::vector<Layers::Undo> undo_records;
    auto const before = told(records);
    if (round % 2 == 0) CHECK(told(texts) == before);  // builds the indexes first
    for (auto steps = random() % 6; steps > 0; --steps) {
      auto const& id = ids[random() % ids.size()];
      if (random() % 2 == 0) {
        undo_texts.push_back(texts.erase_row(id));
        undo_records.push_back(records.erase_row(id));
      } else {
        auto const row =
            std::make_shared<LayerRecord const>(record_of(text_of(id, ids[random() % ids.size()])));
        undo_texts.push_back(texts.put_row(row));
        undo_records.push_back(records.put_row(row));
      }
    }
    CHECK(texts.size() == records.size());
    CHECK(told(texts) == told(records));
    texts.undo(undo_texts);
    records.undo(undo_records);
    CHECK(told(texts) == before);
    CHECK(told(records) == before);
  }
}

TEST_CASE("texts keep their rows when erased positions are removed", "[item][row_list]") {
  Layers index;
  auto const source = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < 100; ++i) source->push_back(text_of(std::to_string(i), "p" + std::to_string(i)));
  for (auto const& text : *source) index.put_text(record_of(text), text, source);
  for (int i = 0; i < 100; ++i)
    if (i % 3 != 0) index.erase(std::to_string(i));
  index.compact();
  CHECK(index.size() == 34);
  CHECK(kept(index) == 34);
  for (int i = 0; i < 100; ++i) {
    auto const row = index.by_id(std::to_string(i));
    CHECK((row != nullptr) == (i % 3 == 0));
    if (row) CHECK(row->parent == "p" + std::to_string(i));
  }
  CHECK_FALSE(index.any_flagged([](LayerRecord const&) { return true; }));
  CHECK(index.any_of([](LayerRecord const& record) { return record.parent == "p99"; }));
}

TEST_CASE("a row that was added later does not inherit a text when erased positions are removed",
          "[item][row_list]") {
  testing::TempDir const dir;
  std::string list;
  for (int i = 0; i < 64; ++i) list += (i == 0 ? '[' : ',') + text_of("old" + std::to_string(i), "p");
  sys::replace_file(dir / "layers.json", list + ']');
  Peer peer(dir.path());
  peer.refresh();
  std::vector<RecordChange<LayerRecord>> changes;
  for (int i = 0; i < 45; ++i)
    changes.push_back(
        {.put = std::make_shared<LayerRecord const>(record_of(text_of("new" + std::to_string(i), "q")))});
  for (int i = 0; i < 64; ++i)
    if (i != 40) changes.push_back({.put = {}, .erase = "old" + std::to_string(i)});
  peer.commit(changes);
  peer.rows.compact();
  peer.commit({{.put = {}, .erase = "new0"}});

  Peer other(dir.path());
  other.refresh();
  CHECK(other.rows.size() == 45);
  CHECK(told(other.rows) == told(peer.rows));
}

TEST_CASE("several threads may be the first to ask for a row", "[item][row_list]") {
  Layers index;
  auto const source = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < 1000; ++i) source->push_back(text_of(std::to_string(i), "p"));
  for (auto const& text : *source) index.put_text(record_of(text), text, source);
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        if (auto const row = index.by_id(std::to_string(i)); !row || row != index.by_id(row->id)) ++wrong;
      if (index.referring_to("p").size() != 1000) ++wrong;
    });
  threads.clear();
  CHECK(wrong == 0);
}
