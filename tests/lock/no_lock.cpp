#include <strata/error.hpp>
#include <strata/lock/no_lock.hpp>

#include <catch2/catch.hpp>

TEST_CASE("NoLock excludes nobody, but counts writes", "[lock]") {
  strata::NoLock const lock("anywhere");
  auto reading = lock.shared();
  CHECK(reading.token().empty());
  auto writing = lock.exclusive();
  auto const token = writing.renew();
  CHECK_FALSE(token.empty());
  CHECK(reading.token() == token);
  CHECK(lock.try_exclusive()->renew() != token);
}

TEST_CASE("a read-only NoLock is never exclusive", "[lock]") {
  strata::NoLock const lock("anywhere", strata::ReadOnly{});
  CHECK(lock.shared().token().empty());
  CHECK_THROWS_AS(lock.exclusive(), strata::Error);
}
