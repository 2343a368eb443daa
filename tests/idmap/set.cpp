#include <strata/idmap/set.hpp>

#include <catch2/catch.hpp>

#include <bitset>
#include <cstdint>
#include <random>

using namespace strata;
using idmap::IdSet;

TEST_CASE("a set of ids grows together and falls apart", "[idmap]") {
  IdSet set(10, 10);
  set.add(30, 5);
  CHECK(set.intervals() == IdSet::Intervals{{10, 20}, {30, 35}});
  set.add(20, 10);
  CHECK(set.intervals() == IdSet::Intervals{{10, 35}});
  set.remove(12, 3);
  CHECK(set.intervals() == IdSet::Intervals{{10, 12}, {15, 35}});
  CHECK(set.size() == 22);
  CHECK(set.contains(11));
  CHECK_FALSE(set.contains(12));
  set.remove(0, 100);
  CHECK(set.empty());
  set.add(5, 0);
  set.add(5, -1);
  CHECK(set.empty());
}

TEST_CASE("a set of ids agrees with one that keeps each id", "[idmap]") {
  std::mt19937 random(7);
  IdSet set;
  std::bitset<300> model;
  for (int step = 0; step < 3000; ++step) {
    auto const first = random() % 250;
    auto const size = random() % 40;
    bool const adds = random() % 2 == 0;
    for (auto id = first; id < first + size; ++id) model.set(id, adds);
    auto const [at, count] = std::pair{static_cast<std::int64_t>(first), static_cast<std::int64_t>(size)};
    adds ? set.add(at, count) : set.remove(at, count);
    REQUIRE(set.size() == static_cast<std::int64_t>(model.count()));
    auto const probe = random() % 300;
    REQUIRE(set.contains(static_cast<std::int64_t>(probe)) == model.test(probe));
  }
}

TEST_CASE("the lowest free ids are taken, out of several ranges if need be", "[idmap]") {
  IdSet free(100, 5);
  free.add(200, 10);
  CHECK(free.lowest(3)->intervals() == IdSet::Intervals{{100, 103}});
  CHECK(free.lowest(7)->intervals() == IdSet::Intervals{{100, 105}, {200, 202}});
  CHECK(free.lowest(15)->size() == 15);
  CHECK_FALSE(free.lowest(16).has_value());
  CHECK(free.lowest(0)->empty());
  CHECK(IdSet().lowest(0)->empty());
}

TEST_CASE("two sets make a map", "[idmap]") {
  IdSet containers(0, 10);
  containers.remove(4, 1);
  IdSet hosts(1000, 6);
  hosts.add(2000, 3);
  CHECK(idmap::zip(containers, hosts) == IdMap{{0, 1000, 4}, {5, 1004, 2}, {7, 2000, 3}});
  CHECK(idmap::zip({}, {}).empty());
}

TEST_CASE("the ids of maps go in and out of a set", "[idmap]") {
  IdSet set(0, 100);
  set.remove_hosts({{0, 10, 5}, {9, 20, 1}, {0, 50, -3}});
  CHECK(set.size() == 94);
  set.add_hosts({{0, 12, 1}});
  CHECK(set.contains(12));
  set.remove_containers({{0, 10, 5}});
  CHECK_FALSE(set.contains(0));
}
