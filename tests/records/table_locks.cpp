#include <strata/error.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/lock/no_lock.hpp>
#include <strata/records/table_locks.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

using namespace strata;

TEST_CASE("both locks of a table are held, and a write renews both tokens", "[records][table_locks]") {
  NoLock first, second;
  TableLocks<NoLock> both(first, second);
  TableLocks<NoLock> alone(first);
  CHECK(both.shared().excludes());
  CHECK(both.shared().token().empty());
  auto const renewed = both.exclusive().renew();
  CHECK(renewed == both.shared().token());
  CHECK(renewed == first.shared().token() + second.shared().token());
  auto const before = both.shared().token();
  alone.exclusive().renew();
  CHECK(both.shared().token() != before);  // a change of either is seen
  auto const since = both.shared().token();
  second.exclusive().renew();
  CHECK(both.shared().token() != since);
}

TEST_CASE("a lock that another one holds is not waited for where the caller cannot",
          "[records][table_locks]") {
  testing::TempDir const dir;
  std::string const path = dir.path().native() + "/table.lock", apart = dir.path().native() + "/apart.lock";
  TableLocks<FileLock> locks{FileLock(path), FileLock(apart)};
  FileLock other(path);
  {
    auto const writing = other.exclusive();
    CHECK_FALSE(locks.try_shared());
    auto const unlocked = locks.shared_or_unlocked();
    CHECK_FALSE(unlocked.excludes());
    CHECK_FALSE(unlocked.second);
  }
  auto const held = locks.try_shared();
  REQUIRE(held);
  CHECK(held->excludes());
  CHECK_FALSE(held->second);  // that of the image store is not taken
  CHECK(locks.shared_or_unlocked().excludes());
}

TEST_CASE("what was read without a lock is read again only for what a writer may have done",
          "[records][table_locks]") {
  auto const passes = [](ReadAttempts const& attempts, Error const& thrown) {
    try {
      throw thrown;
    } catch (Error const& error) {
      try {
        attempts.failed(error);
        return true;
      } catch (Error const&) {
        return false;
      }
    }
  };
  ReadAttempts const unlocked(false), locked(true);
  CHECK(passes(unlocked, Error(Errc::corrupt_record, "half written")));
  CHECK(passes(unlocked, Error(std::error_code(ESTALE, std::system_category()), "replaced")));
  CHECK_FALSE(passes(unlocked, Error(std::error_code(EIO, std::system_category()), "broken")));
  CHECK_FALSE(passes(locked, Error(Errc::corrupt_record, "broken")));
}

TEST_CASE("reading again ends, and says what changes all the time", "[records][table_locks]") {
  ReadAttempts attempts(false);
  int times = 0;
  try {
    for (;; ++times) attempts.again("layers", "/graph/overlay-layers");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::store_changed);
    CHECK(error.subject() == "layers in /graph/overlay-layers");
  }
  CHECK(times == 50);
}
