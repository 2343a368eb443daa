#include <strata/fs.hpp>
#include <strata/sys/workers.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

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

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRATA_TEST_ADDRESS_SANITIZER  // it takes terabytes of addresses, which a limit would refuse
#endif
#endif

TEST_CASE("a few pieces of work are done by the caller, and need no thread", "[sys]") {
  auto const caller = std::this_thread::get_id();
  int done = 0;
  Workers<int> workers(4, 64, [&](int&) { done += std::this_thread::get_id() == caller ? 1 : 100; });
  for (int i = 0; i < 8; ++i) workers.add(i);
  workers.finish();
  CHECK(done == 8);
}

TEST_CASE("more pieces of work are done by several threads", "[sys]") {
  std::atomic<int> at_once = 0;
  std::atomic<bool> together = false;
  Workers<int> workers(4, 64, [&](int&) {
    if (++at_once > 1) together = true;
    for (int i = 0; i < 1000 && !together; ++i) ::usleep(1000);
    --at_once;
  });
  for (int i = 0; i < 40; ++i) workers.add(i);
  workers.finish();
  CHECK(together);
}

TEST_CASE("a failure of the caller's own work comes out as well", "[sys]") {
  Workers<int> workers(4, 4, [](int&) { throw std::runtime_error("one"); });
  workers.add(1);
  CHECK_THROWS_WITH(workers.finish(), "one");
}

TEST_CASE("workers without threads process a queue longer than it may be", "[sys]") {
  int sum = 0;
  Workers<int> workers(0, 2, [&](int& item) { sum += item; });
  for (int i = 1; i <= 100; ++i) workers.add(i);
  workers.finish();
  CHECK(sum == 5050);
}

#ifndef STRATA_TEST_ADDRESS_SANITIZER
TEST_CASE("where not all threads can be had, those that run do the work", "[sys]") {
  auto const child = ::fork();
  if (child == 0) {  // a limit that the other tests must not have
    ::alarm(20);
    std::size_t pages = 0;
    strata::fs::ifstream("/proc/self/statm") >> pages;
    // Room for a few stacks.
    rlim_t const room = pages * static_cast<std::size_t>(::getpagesize()) + (rlim_t{64} << 20);
    rlimit const limit{.rlim_cur = room, .rlim_max = room};
    ::setrlimit(RLIMIT_AS, &limit);
    std::atomic<int> done = 0;
    Workers<int> workers(1000, 1000, [&](int&) {
      ::usleep(1000);
      ++done;
    });
    for (int i = 0; i < 1000; ++i) workers.add(i);
    workers.finish();
    ::_exit(done == 1000 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
#endif
