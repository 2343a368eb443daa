#include <strata/fs.hpp>
#include <strata/records/index.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record_file.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "../static/driver_archetype.hpp"
#include "rows.hpp"

namespace {

using namespace strata;
using File = RecordFile<LayerRecord, serializers::Json>;

/// One process's view: file and rows, sharing the token with its peers as through a lock file.
struct Peer {
  Peer(fs::path const& dir, std::string& shared_token) : file(dir, "layers"), token(shared_token) {}
  File file;
  std::string& token;
  Rows rows = {};

  bool refresh() { return file.refresh(token, rows); }
  void commit(LayerChanges const& changes) {
    for (auto const& change : changes) {
      if (change.put)
        rows.put(change.put);
      else
        rows.erase(change.erase);
    }
    file.commit([&] { return token += 'x'; }, [&] { return rows.rows; }, changes, Flush::none);
  }
};

}  // namespace

TEST_CASE("what one writes the other reads, and nobody reads what he wrote himself", "[item][record_file]") {
  testing::TempDir const dir;
  std::string token;
  Peer one(dir.path(), token);
  Peer two(dir.path(), token);
  CHECK(one.refresh());
  CHECK(two.refresh());
  CHECK_FALSE(one.refresh());
  one.commit(put("a", "1"));
  one.commit(put("b", "2"));
  CHECK_FALSE(one.refresh());
  CHECK(two.refresh());
  CHECK(two.rows.text() == "a:1 b:2");
  CHECK_FALSE(two.refresh());
  two.commit(erase("a"));
  CHECK(one.refresh());
  CHECK(one.rows.text() == "b:2");
  CHECK(sys::read_file(dir / "layers.json") ==
        R"([{"id":"b","metadata":"2","created":"0001-01-01T00:00:00Z"}])");
  CHECK_FALSE(sys::FileState::of(dir / "volatile-layers.json").exists());
}

TEST_CASE("a writer who leaves the token alone is noticed by the file", "[item][record_file]") {
  testing::TempDir const dir;
  std::string token = "same";
  Peer one(dir.path(), token);
  one.refresh();
  sys::replace_file(dir / "layers.json", R"([{"id":"a"}])");
  CHECK(one.refresh());
  CHECK(one.rows.text() == "a:");
  sys::replace_file(dir / "volatile-layers.json", R"([{"id":"v"}])");
  CHECK(one.refresh());
  CHECK(one.rows.text() == "a: v:");
}

TEST_CASE("the token is renewed before a file is replaced", "[item][record_file]") {
  testing::TempDir const dir;
  File file(dir.path(), "layers");
  Rows rows;
  file.refresh("", rows);
  bool renewed = false;
  auto const changes = put("a", "1");
  rows.put(changes[0].put);
  file.commit(
      [&] {
        renewed = !sys::FileState::of(dir / "layers.json").exists();
        return std::string("t");
      },
      rows.rows, changes, Flush::full);
  CHECK(renewed);
  CHECK_FALSE(file.refresh("t", rows));
}

TEST_CASE("records go back to the file that they came from", "[item][record_file]") {
  testing::TempDir const dir;
  sys::replace_file(dir / "layers.json", R"([{"id":"a"},{"id":"both","metadata":"main"}])");
  sys::replace_file(dir / "volatile-layers.json", R"([{"id":"both","metadata":"volatile"},{"id":"v"}])");
  std::string token;
  Peer one(dir.path(), token);
  one.refresh();
  CHECK(one.rows.text() == "a: both:main v:");

  auto const main_before = sys::FileState::of(dir / "layers.json");
  auto changes = put("v", "changed");
  auto record = *changes[0].put;
  record.place = RecordPlace::volatile_file;
  changes[0].put = std::make_shared<LayerRecord const>(record);
  one.commit(changes);
  INFO("a volatile change leaves the main file alone");
  CHECK(sys::FileState::of(dir / "layers.json") == main_before);
  CHECK(sys::read_file(dir / "volatile-layers.json") ==
        R"([{"id":"v","metadata":"changed","created":"0001-01-01T00:00:00Z"}])");

  one.commit(erase("v"));
  CHECK(sys::read_file(dir / "volatile-layers.json") == "[]");
  CHECK(sys::read_file(dir / "layers.json").find("\"v\"") == std::string::npos);
  CHECK_FALSE(one.refresh());
}

TEST_CASE("a broken file is an error that names it, and is never saved over", "[item][record_file]") {
  testing::TempDir const dir;
  std::string token;
  Peer one(dir.path(), token);
  sys::replace_file(dir / "layers.json", R"([{"id":"a"}])");
  one.refresh();
  sys::replace_file(dir / "layers.json", R"([{"id":"a"},{"id":)");
  for (int i = 0; i < 2; ++i) {
    try {
      one.refresh();
      FAIL("no error");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::corrupt_record);
      CHECK(error.subject().starts_with((dir / "layers.json").native() + ": byte "));
    }
    CHECK(one.rows.rows.empty());
    CHECK_THROWS_AS(one.commit(put("b", "")), Error);
  }
  CHECK(sys::read_file(dir / "layers.json") == R"([{"id":"a"},{"id":)");
  sys::replace_file(dir / "layers.json", R"([{"id":"a"}])");
  CHECK(one.refresh());
  CHECK(one.rows.text() == "a:");
}

TEST_CASE("elements that are no records are written back, each to its file", "[item][record_file]") {
  testing::TempDir const dir;
  sys::replace_file(dir / "layers.json", R"([{"id":7},{"id":"a"}])");
  sys::replace_file(dir / "volatile-layers.json", R"([17])");
  std::string token;
  Peer one(dir.path(), token);
  one.refresh();
  one.commit(erase("a"));
  CHECK(sys::read_file(dir / "layers.json") == R"([{"id":7}])");
  CHECK(sys::read_file(dir / "volatile-layers.json") == "[17]");
}

TEST_CASE("a save that fails leaves the old file, and the next look reads it again", "[item][record_file]") {
  testing::TempDir const dir;
  std::string token;
  Peer one(dir.path(), token);
  one.refresh();
  one.commit(put("a", "1"));
  SECTION("the record cannot be encoded") {
    auto changes = put("b", "");
    auto record = *changes[0].put;
    record.flags["k"] = RawJson{"not JSON"};
    changes[0].put = std::make_shared<LayerRecord const>(record);
    CHECK_THROWS_AS(one.commit(changes), Error);
  }
  SECTION("the token cannot be written") {
    auto const changes = put("b", "");
    CHECK_THROWS_AS(one.file.commit([]() -> std::string { throw Error(Errc::stopped, "token"); },
                                    one.rows.rows, changes, Flush::none),
                    Error);
  }
  CHECK_THROWS_AS(one.commit(put("c", "")), Error);
  CHECK(one.refresh());
  CHECK(one.rows.text() == "a:1");
}

TEST_CASE("a journal's whole files do as well", "[item][record_file]") {
  testing::TempDir const dir;
  RecordFile<MountRecord, serializers::Journal> file(dir.path(), "mountpoints");
  struct Mounts {
    std::vector<std::string> ids = {};
    void clear() { ids.clear(); }
    void put(MountRecord&& record) { ids.push_back(record.id); }
    void erase(std::string_view) {}
  } mounts;
  file.refresh("", mounts);
  std::vector<RecordChange<MountRecord>> const changes = {
      {.put =
           std::make_shared<MountRecord const>(MountRecord{.id = "L", .path = "/m", .count = 1, .extra = {}}),
       .erase = {}}};
  std::vector<Row<MountRecord>> const rows = {changes[0].put};
  file.commit([] { return std::string("1"); }, rows, changes, Flush::full);
  CHECK(file.refresh("2", mounts));
  CHECK(mounts.ids == std::vector<std::string>{"L"});
  CHECK(sys::FileState::of(dir / "mountpoints.journal").exists());
}

TEST_CASE("records of an image store and volatile ones elsewhere are in one list", "[item][record_file]") {
  testing::TempDir const dir;
  for (auto const* part : {"graph", "images", "run"}) fs::create_directory(dir / part);
  sys::replace_file(dir / "graph/layers.json", R"([{"id":"main"},{"id":"all","metadata":"main"}])");
  sys::replace_file(dir / "images/layers.json", R"([{"id":"all","metadata":"image"},{"id":"image"}])");
  sys::replace_file(dir / "run/volatile-layers.json",
                    R"([{"id":"volatile"},{"id":"all"},{"id":"image","metadata":"v"}])");
  File file(RecordPlaces{.main = dir / "graph", .image_store = dir / "images", .volatiles = dir / "run"},
            "layers");
  Rows rows;
  CHECK(file.refresh("", rows));
  CHECK(rows.text() == "main: all:main image: volatile:");
  CHECK(rows.rows[2]->place == RecordPlace::image_store);
  CHECK(rows.rows[3]->place == RecordPlace::volatile_file);

  auto const main_before = sys::FileState::of(dir / "graph/layers.json");
  LayerRecord changed = *rows.rows[2];
  changed.metadata = "changed";
  LayerChanges changes{{.put = std::make_shared<LayerRecord const>(changed)}};
  rows.put(changes[0].put);
  file.commit([] { return std::string(); }, rows.rows, changes, Flush::none);
  CHECK(sys::FileState::of(dir / "graph/layers.json") == main_before);
  CHECK(sys::read_file(dir / "images/layers.json") ==
        R"([{"id":"image","metadata":"changed","created":"0001-01-01T00:00:00Z"}])");

  // What several files have must go from all of them, or it would come back.
  auto const erased = rows.rows[1];
  rows.erase("all");
  file.commit([] { return std::string(); }, rows.rows, LayerChanges{{.erase = "all", .erased = erased}},
              Flush::none);
  File again(RecordPlaces{.main = dir / "graph", .image_store = dir / "images", .volatiles = dir / "run"},
             "layers");
  Rows read;
  again.refresh("", read);
  CHECK(read.text() == "main: image:changed volatile:");
}

TEST_CASE("a name that moves between two files is never in none of them", "[item][record_file]") {
  auto const [loser, winner] = GENERATE(std::pair("graph", "images"), std::pair("images", "graph"));
  testing::TempDir const dir;
  for (auto const* part : {"graph", "images"}) fs::create_directory(dir / part);
  sys::replace_file(dir / loser / "layers.json", R"([{"id":"a","names":["n"]}])");
  sys::replace_file(dir / winner / "layers.json", R"([{"id":"b"}])");
  // The second file cannot be written: what it would take for its temporary file is a directory that is not empty.
  fs::create_directories(dir / loser / ".tmp-layers.json/full");
  RecordPlaces const places{.main = dir / "graph", .image_store = dir / "images"};
  File file(places, "layers");
  Rows rows;
  file.refresh("", rows);
  auto const of = [&](std::string const& id) {
    return **std::ranges::find(rows.rows, id, [](auto const& row) { return row->id; });
  };
  auto poorer = of("a");
  poorer.names.clear();
  auto richer = of("b");
  richer.names = {"n"};
  LayerChanges const changes{{.put = std::make_shared<LayerRecord const>(poorer)},
                             {.put = std::make_shared<LayerRecord const>(richer)}};
  for (auto const& change : changes) rows.put(change.put);
  CHECK_THROWS(file.commit([] { return std::string(); }, rows.rows, changes, Flush::none));

  auto const holds = [&](std::string const& part) {
    return sys::read_file(dir / part / "layers.json").find(R"(["n"])") != std::string::npos;
  };
  CHECK(holds(loser));
  CHECK(holds(winner));
  // Who reads that sees the new owner with it, whichever file that is in.
  File again(places, "layers");
  Index<LayerTraits<archetype::Driver, serializers::Json>> read;
  again.refresh("", read);
  REQUIRE(read.by_name("n"));
  CHECK(read.by_name("n")->id == "b");
}
