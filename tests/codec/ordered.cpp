#include <strata/codec/ordered.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

using strata::codec::detail::Ordered;
using strata::codec::detail::Piece;

namespace {
void set(Piece& piece, int number) { piece.plain.assign(1, static_cast<std::byte>(number)); }
int number_of(Piece const& piece) { return std::to_integer<int>(piece.plain.at(0)); }
}  // namespace

TEST_CASE("pieces come out in their order, however long each takes", "[codec][ordered]") {
  for (unsigned const threads : {1u, 2u, 5u}) {
    std::string out;
    std::atomic<int> workers = 0;
    auto const make_worker = [&] {
      ++workers;
      return Ordered::Step([](Piece& piece) {
        std::this_thread::sleep_for(std::chrono::microseconds(number_of(piece) * 37 % 500));
      });
    };
    Ordered ordered(threads, make_worker, [&](Piece& piece) { out += static_cast<char>(number_of(piece)); });
    std::string expected;
    for (int i = 0; i < 100; ++i) {
      set(ordered.claim(), i);
      ordered.submit();
      expected += static_cast<char>(i);
    }
    ordered.finish();
    CHECK(out == expected);
    CHECK(workers <= static_cast<int>(threads));
  }
}

TEST_CASE("what a worker or the delivery throws reaches who submits", "[codec][ordered]") {
  auto const run = [](auto make_worker, Ordered::Step deliver) {
    Ordered ordered(2, make_worker, std::move(deliver));
    for (int i = 0; i < 100; ++i) {
      set(ordered.claim(), i);
      ordered.submit();
    }
    ordered.finish();
  };
  auto const fail_at_20 = [](Piece& piece) {
    if (number_of(piece) == 20) throw std::runtime_error("twenty");
  };
  auto const nothing = [](Piece&) {};
  CHECK_THROWS_WITH(run([&] { return Ordered::Step(fail_at_20); }, nothing), "twenty");
  CHECK_THROWS_WITH(run([&] { return Ordered::Step(nothing); }, fail_at_20), "twenty");
  CHECK_THROWS_WITH(run([]() -> Ordered::Step { throw std::runtime_error("no worker"); }, nothing),
                    "no worker");
}

TEST_CASE("pieces that nobody waits for do not hold up the end", "[codec][ordered]") {
  for (int pieces = 0; pieces < 6; ++pieces) {
    Ordered ordered(
        2, [] { return Ordered::Step([](Piece&) {}); }, [](Piece&) {});
    for (int i = 0; i < pieces; ++i) {
      set(ordered.claim(), i);
      ordered.submit();
    }
  }
}
