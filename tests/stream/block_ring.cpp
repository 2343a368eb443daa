#include <strata/stream/block_ring.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

using namespace strata;
using archive::BlockReader;
using archive::BlockRing;

namespace {
void put(BlockRing& ring, std::string_view text) {
  auto const block = ring.claim();
  REQUIRE(text.size() <= block.size());
  std::memcpy(block.data(), text.data(), text.size());
  ring.publish(text.size());
}
std::exception_ptr failure(char const* text) { return std::make_exception_ptr(std::runtime_error(text)); }
}  // namespace

TEST_CASE("every reader gets every block, where it lies", "[archive][ring]") {
  BlockRing ring(4, 16, 2);
  for (auto const* const text : {"one", "two", "three"}) put(ring, text);
  ring.close();
  BlockReader first(ring, 0), second(ring, 1);
  for (auto const* const text : {"one", "two", "three"}) {
    auto const a = first.next();
    auto const b = second.next();
    CHECK(as_text(a) == text);
    CHECK(a.data() == b.data());
  }
  CHECK(first.next().empty());
  CHECK(first.next().empty());
  CHECK(second.next().empty());
}

TEST_CASE("a failure comes after the blocks before it", "[archive][ring]") {
  BlockRing ring(4, 16, 1);
  put(ring, "before");
  ring.close(failure("broken"));
  CHECK(as_text(ring.next(0)) == "before");
  CHECK_THROWS_WITH(ring.next(0), "broken");
  CHECK_THROWS_WITH(ring.next(0), "broken");
}

TEST_CASE("a cancelled ring stops both sides at once, also those that wait", "[archive][ring]") {
  BlockRing full(2, 16, 1);
  put(full, "1");
  put(full, "2");
  std::thread writer([&] { CHECK_THROWS_WITH(full.claim(), "enough"); });
  BlockRing empty(2, 16, 1);
  std::thread reader([&] { CHECK_THROWS_WITH(empty.next(0), "enough"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  full.cancel(failure("enough"));
  full.cancel(failure("too late"));
  empty.cancel(failure("enough"));
  writer.join();
  reader.join();
  CHECK_THROWS_WITH(full.next(0), "enough");
}

TEST_CASE("the slowest reader holds up the writer, and nothing is lost or overwritten", "[archive][ring]") {
  for (std::size_t const blocks : {1u, 2u, 3u, 8u}) {
    BlockRing ring(blocks, sizeof(int), 2);
    int const count = 3000;
    auto const read = [&](std::size_t reader, int pause_every) {
      int expected = 0;
      for (Bytes block; !(block = ring.next(reader)).empty(); ++expected) {
        int value = -1;
        std::memcpy(&value, block.data(), sizeof value);
        if (value != expected) break;
        if (expected % pause_every == 0) std::this_thread::yield();
      }
      return expected;
    };
    int fast = 0;
    std::thread other([&] { fast = read(1, 1000); });
    std::thread writer([&] {
      for (int i = 0; i < count; ++i) {
        auto const block = ring.claim();
        std::memcpy(block.data(), &i, sizeof i);
        ring.publish(sizeof i);
      }
      ring.close();
    });
    auto const slow = read(0, 3);
    writer.join();
    other.join();
    CHECK(slow == count);
    CHECK(fast == count);
  }
}
