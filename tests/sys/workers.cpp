#include <strata/sys/workers.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>

using strata::sys::Workers;

TEST_CASE("workers do every piece of work once", "[sys]") {
  std::atomic<int> sum = 0;
  Workers<std::unique_ptr<int>> workers(3, 4, [&](auto& item) { sum += *item; });
  for (int i = 1; i <= 1000; ++i) workers.add(std::make_unique<int>(i));
  workers.finish();
  CHECK(sum == 500500);
}

TEST_CASE("a failure of a worker reaches the finder of work, who need not go on for ever", "[sys]") {
  std::atomic<int> done = 0;
  Workers<int> workers(2, 2, [&](int& item) {
    if (item == 10) throw std::runtime_error("ten");
    ++done;
  });
  CHECK_THROWS_WITH(
      [&] {
        for (int i = 0; i < 1'000'000; ++i) workers.add(i);
        workers.finish();
      }(),
      "ten");
  CHECK(done < 1'000'000);
}

TEST_CASE("workers that are left early end", "[sys]") {
  Workers<int> workers(2, 100, [](int&) {});
  for (int i = 0; i < 50; ++i) workers.add(i);
}
