#include <strata/drivers/memory.hpp>
#include <strata/fs.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/table.hpp>
#include <strata/serializers/json.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace strata;

namespace {

using Layers = Table<LayerTraits<drivers::Memory, serializers::Json>, FileLock>;

Layers open(fs::path const& directory) {
  return {FileLock(directory / "layers.lock"), {directory, "layers"}};
}

LayerRecord record(std::string id, names::List names = {}) {
  LayerRecord out;
  out.id = std::move(id);
  out.names = std::move(names);
  return out;
}

/// A lock that keeps nobody away, of a file system that has none. Each look at its token is told of.
struct Powerless {
  struct Guard {
    std::function<void()>* looked;
    bool excludes() const { return false; }
    LockToken token() const {
      (*looked)();
      return {};
    }
    LockToken renew() { return {}; }
  };
  explicit Powerless(fs::path const&) {}
  Powerless(fs::path const&, ReadOnly) {}
  Guard shared() { return {&looked}; }
  Guard exclusive() { return {&looked}; }
  std::optional<Guard> try_shared() { return shared(); }
  std::optional<Guard> try_exclusive() { return exclusive(); }
  Guard unlocked() { return shared(); }

  static inline std::function<void()> looked = [] {};
};
static_assert(StoreLock<Powerless>);
using Unlocked = Table<LayerTraits<drivers::Memory, serializers::Json>, Powerless>;

std::string ids(auto& table) {
  std::string out;
  for (auto const& row : table.read().rows()) out += row->id + ' ';
  return out;
}

}  // namespace

TEST_CASE("what was committed is seen by every table of the directory", "[item][table]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  auto other = open(directory.path());
  CHECK(ids(other).empty());
  {
    auto writing = table.write();
    writing.put(record("one", {"name"}));
    writing.put(record("two"));
    writing.commit(Flush::none);
    writing.erase("one");  // a guard may commit more than once
    writing.put(record("three", {"name"}));
    writing.commit(Flush::none);
  }
  CHECK(ids(other) == "two three ");
  CHECK(other.read().by_name("name")->id == "three");
  CHECK(other.read().get("thr")->id == "three");
  CHECK(other.read().find(LayerId("thr")) == nullptr);
}

TEST_CASE("a store that is only read need not be waited for", "[item][table]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  auto const add = [](auto& writing, std::string id) {
    writing.put(record(std::move(id)));
    writing.commit(Flush::none);
  };
  Layers other(FileLock(directory / "layers.lock", ReadOnly{}), Layers::Storage(directory.path(), "layers"),
               {.second = {}, .read_only = true, .place = directory.path()});
  CHECK(other.try_read()->rows().empty());
  {
    auto writing = table.write();
    add(writing, "one");
    CHECK_FALSE(other.try_read());
    CHECK(other.read_now().by_id("one"));
    CHECK(other.read_now().rows().size() == 1);
    add(writing, "two");
    CHECK(other.read_now().rows().size() == 2);
  }
  auto const reading = other.read_now();
  CHECK(reading.by_id("two"));
  CHECK_FALSE(
      FileLock(directory / "layers.lock").try_exclusive());  // it is locked where that takes no waiting
}

TEST_CASE("what was not committed is taken back", "[item][table]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  {
    auto writing = table.write();
    writing.put(record("one", {"name"}));
    writing.put(record("two"));
    writing.commit(Flush::none);
  }
  {
    auto writing = table.write();
    writing.erase("one");
    writing.put(record("two", {"name"}));
    writing.put(record("three"));
    CHECK(writing.by_name("name")->id == "two");  // its own changes are seen through the guard
    CHECK(writing.rows().size() == 2);
  }
  CHECK(ids(table) == "one two ");
  CHECK(table.read().by_name("name")->id == "one");
  CHECK(table.read().get("two")->names.empty());
}

TEST_CASE("a commit that fails changes nothing, here and on disk", "[item][table]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  {
    auto writing = table.write();
    writing.put(record("one"));
    writing.commit(Flush::none);
  }
  auto const before = sys::read_file(directory / "layers.json");
  {
    auto writing = table.write();
    writing.put(record("two"));
    // A directory of that name cannot be replaced by a file.
    fs::rename(directory / "layers.json", directory / "kept");
    fs::create_directory(directory / "layers.json");
    CHECK_THROWS_AS(writing.commit(Flush::none), Error);
    CHECK_FALSE(writing.by_id("two"));
    CHECK(writing.by_id("one"));
  }
  fs::remove(directory / "layers.json");
  fs::rename(directory / "kept", directory / "layers.json");
  CHECK(ids(table) == "one ");
  CHECK(sys::read_file(directory / "layers.json") == before);
}

TEST_CASE("what is taken is an error that names its holder; what is missing is one or none",
          "[item][table]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  auto writing = table.write();
  writing.put(record("one", {"name"}));
  auto const refused = [&](std::string_view id, names::List const& names) {
    try {
      writing.check_free(id, names);
    } catch (Error const& error) {
      return std::pair(error.code(), error.holder());
    }
    return std::pair(std::error_code(), std::string());
  };
  CHECK(refused("one", {}) == std::pair(make_error_code(Errc::duplicate_id), std::string("one")));
  CHECK(refused("two", {"x", "name"}) ==
        std::pair(make_error_code(Errc::duplicate_name), std::string("one")));
  CHECK_FALSE(refused("two", {"x"}).first);
  CHECK_FALSE(refused("", {}).first);
  CHECK(writing.find("none") == nullptr);
  CHECK_THROWS_AS(writing.get("none"), Error);
}

TEST_CASE("readers and writers on many threads see whole states only", "[item][table][threads]") {
  testing::TempDir directory;
  auto table = open(directory.path());
  auto other = open(directory.path());
  std::atomic<bool> whole = true;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&, i] {
        for (int k = 0; k < 30; ++k) {
          auto writing = (k % 2 != 0 ? table : other).write();
          auto const id = std::to_string(i) + '-' + std::to_string(k);
          writing.put(record(id + "-a"));
          writing.put(record(id + "-b"));
          writing.commit(Flush::none);
        }
      });
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 60; ++k)
          if ((k % 2 != 0 ? table : other).read().rows().size() % 2 != 0) whole = false;
      });
  }
  CHECK(whole);
  CHECK(table.read().rows().size() == 120);
  CHECK(ids(table) == ids(other));
}

TEST_CASE("without a lock, what was read counts once nothing has changed meanwhile", "[item][table]") {
  testing::TempDir directory;
  auto const file = directory.path() / "layers.json";
  sys::replace_file(file, R"([{"id":"old"}])");
  Unlocked table{
      Powerless(directory.path()), {directory.path(), "layers"}, {.read_only = true, .place = "there"}};
  int looks = 0;
  SECTION("it is read again after a change") {
    Powerless::looked = [&] {
      if (++looks == 2) sys::replace_file(file, R"([{"id":"new"}])");
    };
    CHECK(ids(table) == "new ");
    CHECK(looks == 3);
    CHECK(ids(table) == "new ");
    CHECK(looks == 4);
  }
  SECTION("a file that is just being written is read again") {
    fs::ofstream(file) << R"([{"id":"ha)";
    Powerless::looked = [&] {
      if (++looks == 3) sys::replace_file(file, R"([{"id":"whole"}])");
    };
    CHECK(ids(table) == "whole ");
  }
  SECTION("one that never comes to rest is an error of its own") {
    Powerless::looked = [&] { sys::replace_file(file, R"([{"id":")" + std::to_string(++looks) + R"("}])"); };
    try {
      ids(table);
      FAIL("took what may be gone");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::store_changed);
      CHECK(error.subject() == "layers in there");
    }
  }
  Powerless::looked = [] {};
}

TEST_CASE(
    "names that are given twice in somebody else's store are an error, in the own one they are put right",
    "[item][table]") {
  testing::TempDir directory;
  auto const file = directory.path() / "layers.json";
  auto const open_other = [&] {
    return Layers{FileLock(directory.path() / "layers.lock", ReadOnly{}),
                  {directory.path(), "layers"},
                  {.read_only = true, .place = directory.path()}};
  };
  for (std::string const text :
       {R"([{"id":"a","names":["n"]},{"id":"b","names":["n"]}])", R"([{"id":"a","names":["n","n"]}])"}) {
    sys::replace_file(file, text);
    auto other = open_other();
    for (int i = 0; i < 2; ++i) {
      try {
        ids(other);
        FAIL("read " + text);
      } catch (Error const& error) {
        CHECK(error.code() == Errc::duplicate_layer_names);
      }
    }
    auto own = open(directory.path());
    CHECK_FALSE(ids(own).empty());
    sys::replace_file(file, R"([{"id":"a","names":["n"]}])");
    CHECK(ids(other) == "a ");
  }
}

TEST_CASE("who reads files without a table holds the locks of both places", "[item][table]") {
  testing::TempDir const dir;
  Layers table(FileLock(dir / "layers.lock"), {dir.path(), "layers"},
               {.second = FileLock(dir / "second.lock")});
  {
    auto const held = table.exclusive();
    CHECK_FALSE(FileLock(dir / "layers.lock").try_shared());
    CHECK_FALSE(FileLock(dir / "second.lock").try_shared());
  }
  auto const held = table.shared();
  for (auto const* name : {"layers.lock", "second.lock"}) {
    CHECK(FileLock(dir / name).try_shared());
    CHECK_FALSE(FileLock(dir / name).try_exclusive());
  }
}
