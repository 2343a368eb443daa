#include <strata/fs.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record_log.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "rows.hpp"
#include <chrono>
#include <map>
#include <random>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace strata;
using serializers::Journal;

struct Images {
  std::map<std::string, std::string> digests = {};
  void clear() { digests.clear(); }
  void put(ImageRecord&& record) { digests[record.id] = record.digest; }
  void erase(std::string_view id) { digests.erase(std::string(id)); }
};

/// One process's view of a store.
struct Peer {
  explicit Peer(fs::path const& root)
      : log(std::make_shared<Log<Journal>>(root, "vfs")), layers(log, "layers"), images(log, "images") {}
  std::shared_ptr<Log<Journal>> log;
  RecordLog<LayerRecord, Journal> layers;
  RecordLog<ImageRecord, Journal> images;
  Rows rows = {};
  Images image_rows = {};

  bool refresh() { return layers.refresh("", rows); }
  void commit(LayerChanges const& changes) {
    layers.commit([] { return std::string(); }, rows.rows, changes, Flush::none);
    for (auto const& change : changes) {
      if (change.put)
        rows.put(change.put);
      else
        rows.erase(change.erase);
    }
  }
};

/// Appends one record after the other, and says so to a pipe after each. Does not come back.
[[noreturn]] void write_until_killed(fs::path const& root, std::uint32_t number, int acknowledged) {
  try {
    Log<Journal> log(root, "vfs");
    for (;; ++number) {
      LayerRecord const record = layer(std::to_string(number), std::string(3000, 'x'));
      std::vector<std::string> const changes = {Journal::encode_put("layers", record)};
      log.append(changes, Flush::none);
      if (::write(acknowledged, &number, sizeof number) != sizeof number) break;
    }
  } catch (std::exception const&) {
    // The status tells the parent.
  }
  ::_exit(1);
}

}  // namespace

TEST_CASE("changes are read by others from the log's end, and not by who made them", "[item][record_log]") {
  testing::TempDir const dir;
  Peer one(dir.path());
  Peer two(dir.path());
  CHECK(one.refresh());  // the first look fills the rows, with nothing here
  CHECK_FALSE(one.refresh());
  CHECK_FALSE(sys::FileState::of(dir / "strata.journal").exists());
  one.commit(put("a", "1"));
  one.refresh();  // the file is new to him, too
  one.commit(put("b", "2"));
  CHECK_FALSE(one.refresh());
  CHECK(two.refresh());
  CHECK(two.rows.text() == "a:1 b:2");
  CHECK_FALSE(two.refresh());
  CHECK(two.rows.cleared == 1);

  two.commit(put("a", "3"));
  two.commit(erase("b"));
  CHECK(one.refresh());
  CHECK(one.rows.text() == "a:3");
  CHECK(one.rows.cleared <= 2);  // once for the empty log, once for the new file; the tail was read without

  Peer third(dir.path());
  CHECK(third.refresh());
  CHECK(third.rows.text() == "a:3");
}

TEST_CASE("kinds share a log, and changes of several become true together", "[item][record_log]") {
  testing::TempDir const dir;
  Peer one(dir.path());
  Peer two(dir.path());
  one.refresh();
  one.images.refresh("", one.image_rows);

  ImageRecord image;
  image.id = "i";
  image.digest = "d";
  std::vector<RecordChange<ImageRecord>> const images = {
      {.put = std::make_shared<ImageRecord const>(image), .erase = {}}};
  auto changes = one.layers.encode(put("a", "1"));
  for (auto& change : one.images.encode(images)) changes.push_back(std::move(change));
  auto const where = one.log->append(changes, Flush::full);
  one.layers.appended(where);
  one.rows.put(layer("a", "1"));

  CHECK(two.refresh());
  CHECK(two.rows.text() == "a:1");
  CHECK(two.images.refresh("", two.image_rows));
  CHECK(two.image_rows.digests.at("i") == "d");
  CHECK(one.images.refresh("", one.image_rows));
  CHECK(one.image_rows.digests.at("i") == "d");

  INFO("the frame was cut short: neither change is there");
  auto const path = dir / "strata.journal";
  fs::resize_file(path, fs::file_size(path) - 1);
  Peer third(dir.path());
  third.refresh();
  third.images.refresh("", third.image_rows);
  CHECK(third.rows.rows.empty());
  CHECK(third.image_rows.digests.empty());
}

TEST_CASE("a record that this version cannot read is no hindrance to others", "[item][record_log]") {
  testing::TempDir const dir;
  Peer one(dir.path());
  one.refresh();
  one.commit(put("a", "1"));
  std::vector<std::string> const odd = {"put layers 1:x {\"id\":\"x\",\"created\":5}\n"};
  one.log->append(odd, Flush::none);
  one.refresh();
  one.commit(put("b", "2"));
  Peer two(dir.path());
  two.refresh();
  CHECK(two.rows.text() == "a:1 b:2");
  CHECK(sys::read_file(dir / "strata.journal").find("\"created\":5") != std::string::npos);
}

TEST_CASE("many small changes do not grow the log without end, and nobody loses one", "[item][record_log]") {
  testing::TempDir const dir;
  Peer one(dir.path());
  Peer two(dir.path());
  std::map<std::string, std::string> wanted;
  std::mt19937 random(11);
  std::string const padding(2000, 'p');
  std::uintmax_t largest = 0;
  for (int i = 0; i < 4000; ++i) {
    auto& peer = random() % 2 == 0 ? one : two;
    peer.refresh();
    auto const id = "layer-" + std::to_string(random() % 100);
    if (random() % 5 == 0) {
      peer.commit(erase(id));
      wanted.erase(id);
    } else {
      peer.commit(put(id, std::to_string(i) + padding));
      wanted[id] = std::to_string(i) + padding;
    }
    largest = std::max(largest, fs::file_size(dir / "strata.journal"));
  }
  CHECK(largest < 5U << 20);
  Peer fresh(dir.path());
  for (auto* peer : {&one, &two, &fresh}) {
    peer->refresh();
    std::map<std::string, std::string> found;
    for (auto const& row : peer->rows.rows) found[row->id] = row->metadata;
    CHECK(found == wanted);
  }
  CHECK(one.rows.cleared > 1);  // the log was compacted, and everybody noticed
  CHECK(fresh.rows.text().size() == one.rows.text().size());
}

TEST_CASE("threads and objects write to one log at the same time", "[item][record_log]") {
  testing::TempDir const dir;
  std::vector<std::thread> threads;
  auto const shared = std::make_shared<Log<Journal>>(dir.path(), "vfs");
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      auto const log = t % 2 == 0 ? shared : std::make_shared<Log<Journal>>(dir.path(), "vfs");
      RecordLog<LayerRecord, Journal> layers(log, "kind-" + std::to_string(t));
      Rows rows;
      for (int i = 0; i < 200; ++i) {
        layers.refresh("", rows);
        layers.commit([] { return std::string(); }, rows.rows, put(std::to_string(i), std::string(1000, 'x')),
                      Flush::none);
      }
    });
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    RecordLog<LayerRecord, Journal> layers(std::make_shared<Log<Journal>>(dir.path(), "vfs"),
                                           "kind-" + std::to_string(t));
    Rows rows;
    layers.refresh("", rows);
    CHECK(rows.rows.size() == 200);
  }
}

TEST_CASE("processes that are killed while they write lose nothing that they acknowledged",
          "[item][record_log]") {
  testing::TempDir const dir;
  int acknowledged[2];
  REQUIRE(::pipe2(acknowledged, O_CLOEXEC) == 0);
  int seen = 0;
  for (int round = 0; round < 12; ++round) {
    std::vector<pid_t> children;
    for (int c = 0; c < 2; ++c) {
      auto const child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0)
        write_until_killed(dir.path(), static_cast<std::uint32_t>(round * 2 + c) << 20, acknowledged[1]);
      children.push_back(child);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 3 * round));
    for (auto const child : children) ::kill(child, SIGKILL);
    for (auto const child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK(WIFSIGNALED(status));  // else an error ended it
    }
    Peer reader(dir.path());
    reader.refresh();
    std::map<std::string, bool> found;
    for (auto const& row : reader.rows.rows) found[row->id] = true;
    std::uint32_t number = 0;
    int lost = 0;
    // The pipe is read up to what the dead wrote, which is never the last thing in it: a marker follows.
    std::uint32_t const marker = 0xFFFFFFFF;
    REQUIRE(::write(acknowledged[1], &marker, sizeof marker) == sizeof marker);
    while (::read(acknowledged[0], &number, sizeof number) == sizeof number && number != marker) {
      ++seen;
      if (!found.contains(std::to_string(number))) ++lost;
    }
    CHECK(lost == 0);
  }
  CHECK(seen > 0);
  ::close(acknowledged[0]);
  ::close(acknowledged[1]);
}
