#include <strata/error.hpp>
#include <strata/stream/pulled_source.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

using namespace strata;
using archive::PulledSource;

namespace {
std::string rest_of(Source& from) {
  std::string out;
  for (Bytes part = from.next(); !part.empty(); part = from.next()) out += as_text(part);
  return out;
}
}  // namespace

TEST_CASE("what is written by a function can be pulled", "[stream]") {
  std::string expected;
  for (int i = 0; i < 300'000; ++i) expected += std::to_string(i);
  Source source = PulledSource([&](Sink to) {
    for (int i = 0; i < 300'000; ++i) to.write(as_bytes(std::to_string(i)));
  });
  CHECK(rest_of(source) == expected);
  CHECK(source.next().empty());  // and ever after

  Source nothing = PulledSource([](Sink) {});
  CHECK(nothing.next().empty());
}

TEST_CASE("a failure comes after what was written before it", "[stream]") {
  Source source = PulledSource([](Sink to) {
    to.write(as_bytes("some"));
    throw std::runtime_error("no more");
  });
  CHECK(as_text(source.next()) == "some");
  CHECK_THROWS_WITH(source.next(), "no more");
}

TEST_CASE("a writer whose output nobody reads any more ends", "[stream]") {
  auto const held = std::make_shared<int>(1);
  std::atomic<bool> stopped = false;
  {
    Source source = PulledSource([&stopped, held](Sink to) {
      try {
        for (;;) to.write(as_bytes("endless"));
      } catch (Error const& error) {
        stopped = error.code() == Errc::stopped;
        throw;
      }
    });
    CHECK_FALSE(source.next().empty());
  }
  CHECK(stopped);
  CHECK(held.use_count() == 1);
}
