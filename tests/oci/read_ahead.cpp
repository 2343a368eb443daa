#include <strata/concepts/bytes.hpp>
#include <strata/oci/read_ahead.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace strata;

namespace read_ahead_tests {  // several files of tests are compiled as one

using oci::ReadAhead;
using testing::read_all;

namespace {

/// Gives its bytes one by one, each when it may.
class Gated {
 public:
  Gated(std::string bytes, std::shared_future<void> gate)
      : bytes_(std::move(bytes)), gate_(std::move(gate)) {}

  Bytes next() {
    if (at_ == bytes_.size()) return {};
    if (at_ == bytes_.size() / 2) gate_.wait();
    return as_bytes(std::string_view(bytes_).substr(at_++, 1));
  }
  std::optional<std::uint64_t> size() const { return bytes_.size() - at_; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
  std::shared_future<void> gate_;
};

/// Gives some bytes, then throws.
class Broken {
 public:
  Bytes next() {
    if (std::exchange(given_, true)) throw std::runtime_error("cut off");
    return as_bytes("some");
  }

 private:
  bool given_ = false;
};

}  // namespace

TEST_CASE("blobs that were begun before arrive together, the others when they are taken",
          "[oci][read_ahead]") {
  constexpr std::size_t count = 4;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t waiting = 0;
  std::vector<std::thread::id> openers(count + 1);
  // Each of those that are begun waits for the others.
  auto const open = [&](std::size_t blob) -> Source {
    std::unique_lock lock(mutex);
    openers[blob] = std::this_thread::get_id();
    if (blob < count - 1) {
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [&] { return waiting == count - 1; });
    }
    return memory_source("blob " + std::to_string(blob));
  };
  ReadAhead ahead(open, count - 1);
  for (std::size_t i = 0; i < count - 1; ++i) {
    CHECK(ahead.has_room());
    ahead.start(i);
    ahead.start(i);  // it has begun
  }
  CHECK_FALSE(ahead.has_room());
  for (std::size_t i = 0; i < count; ++i) CHECK(read_all(ahead.take(i)) == "blob " + std::to_string(i));
  CHECK(ahead.has_room());
  CHECK(openers[0] != std::this_thread::get_id());
  CHECK(openers[count - 1] == std::this_thread::get_id());
}

TEST_CASE("a blob is read while it arrives, and says how much is left", "[oci][read_ahead]") {
  std::promise<void> gate;
  ReadAhead ahead([&, shared = gate.get_future().share()](std::size_t) { return Gated("abcdef", shared); });
  ahead.start(0);
  auto in = ahead.take(0);
  std::string out;
  while (out.size() < 3) out += as_text(in.next());
  CHECK(out == "abc");
  CHECK(in.size() == 3U);
  gate.set_value();
  CHECK(read_all(std::move(in)) == "def");
}

TEST_CASE("what bringing a blob threw, its reader throws after the bytes before it", "[oci][read_ahead]") {
  ReadAhead ahead([](std::size_t blob) -> Source {
    if (blob == 1) throw std::invalid_argument("no such blob");
    return Broken();
  });
  ahead.start(0);
  ahead.start(1);
  auto in = ahead.take(0);
  CHECK(as_text(in.next()) == "some");
  CHECK_THROWS_AS(in.next(), std::runtime_error);
  CHECK_THROWS_AS(in.next(), std::runtime_error);
  auto missing = ahead.take(1);
  CHECK_THROWS_AS(missing.next(), std::invalid_argument);
}

TEST_CASE("a blob that nobody takes to its end is not brought to it", "[oci][read_ahead]") {
  struct Endless {
    std::atomic<bool>* ended;
    std::string bytes = std::string(1000, 'x');
    explicit Endless(std::atomic<bool>* flag) : ended(flag) {}
    Endless(Endless&& other) noexcept : ended(std::exchange(other.ended, nullptr)) {}
    ~Endless() {
      if (ended != nullptr) *ended = true;
    }
    Bytes next() { return as_bytes(bytes); }
  };
  std::atomic<bool> ended{false};
  std::atomic<bool> second_ended{false};
  {
    ReadAhead ahead([&](std::size_t blob) { return Endless(blob == 0 ? &ended : &second_ended); });
    ahead.start(0);
    ahead.start(1);
    CHECK_FALSE(ahead.take(0).next().empty());
    while (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(second_ended);
}

TEST_CASE("blobs that are passed over are given up, and make room", "[oci][read_ahead]") {
  ReadAhead ahead([](std::size_t blob) { return memory_source("blob " + std::to_string(blob)); }, 2);
  ahead.start(0);
  ahead.start(1);
  CHECK_FALSE(ahead.has_room());
  CHECK(read_all(ahead.take(1)) == "blob 1");
  ahead.start(2);
  CHECK(ahead.has_room());
  ahead.start(3);
  CHECK(read_all(ahead.take(4)) == "blob 4");
  CHECK(ahead.has_room());
}

TEST_CASE("without a place for its file a blob is opened when it is taken", "[oci][read_ahead]") {
  ReadAhead ahead([](std::size_t) { return memory_source("bytes"); }, 3, "/nowhere");
  ahead.start(0);
  CHECK(ahead.has_room());
  CHECK(read_all(ahead.take(0)) == "bytes");
}

}  // namespace read_ahead_tests
