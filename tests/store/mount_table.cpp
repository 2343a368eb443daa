#include <strata/fs.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/mount_table.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace strata;

namespace {

using Mounts = MountTable<serializers::Json, FileLock>;

Mounts open(fs::path const& directory) {
  return {FileLock(directory / "mountpoints.lock"), {directory, "mountpoints"}};
}
Mounts open_for_reading(fs::path const& directory) {
  return {FileLock(directory / "mountpoints.lock", ReadOnly{}), {directory, "mountpoints"}};
}

MountRecord record(std::string id, std::int64_t count) {
  return {.id = std::move(id), .path = "/somewhere", .count = count, .extra = {}};
}

}  // namespace

TEST_CASE("mount counts are persistent, and visible to every process", "[store][mount_table]") {
  testing::TempDir directory;
  auto mounts = open(directory.path());
  auto other = open(directory.path());
  CHECK(other.read().rows().empty());
  mounts.write().set(record("one", 1));
  mounts.write().set(record("two", 3));
  REQUIRE(other.read().find("two"));
  CHECK(other.read().find("two")->count == 3);
  CHECK(other.read().find("two")->path == "/somewhere");
  CHECK_FALSE(other.read().find("three"));
  other.write().set(record("one", 2));
  CHECK(mounts.read().find("one")->count == 2);
  CHECK(mounts.read().rows().size() == 2);
  mounts.write().set(record("one", 0));  // no entry stands for no mount
  CHECK_FALSE(other.read().find("one"));
}

TEST_CASE("a read-only store can read mount counts and creates no file", "[store][mount_table]") {
  testing::TempDir directory;
  auto reader = open_for_reading(directory.path());
  CHECK(reader.read().rows().empty());
  CHECK(fs::is_empty(directory.path()));
  open(directory.path()).write().set(record("one", 1));
  CHECK(reader.read().find("one"));
  try {
    static_cast<void>(reader.write());
    FAIL("written");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::store_read_only);
  }
}

TEST_CASE("entries without a path or a count are ignored", "[store][mount_table]") {
  testing::TempDir directory;
  sys::replace_file(directory / "mountpoints.json",
                    R"([{"id":"a","path":"","count":1},{"id":"b","path":"/b","count":0},)"
                    R"({"id":"c","path":"/c","count":1}])",
                    {.flush = Flush::none});
  auto mounts = open(directory.path());
  CHECK(mounts.read().rows().size() == 1);
  CHECK(mounts.read().find("c"));
}

TEST_CASE("counting from many threads loses no mount", "[store][mount_table][threads]") {
  testing::TempDir directory;
  auto mounts = open(directory.path());
  auto other = open(directory.path());
  {
    std::vector<std::jthread> threads;
    for (auto* table : {&mounts, &mounts, &other, &other})
      threads.emplace_back([table] {
        for (int i = 0; i < 25; ++i) {
          auto guard = table->write();
          auto const known = guard.find("one");
          guard.set(record("one", known ? known->count + 1 : 1));
        }
      });
  }
  CHECK(mounts.read().find("one")->count == 100);
}
