#include <strata/error.hpp>
#include <strata/idmap/shift.hpp>

#include <catch2/catch.hpp>

using namespace strata;
using idmap::Owner;

TEST_CASE("owners go from the old maps to the new ones", "[idmap]") {
  IdMaps const low{.uids = {{0, 100000, 1000}}, .gids = {{0, 200000, 1000}}};
  IdMaps const high{.uids = {{0, 500000, 10}}, .gids = {{0, 600000, 10}, {100, 7, 1}}};
  CHECK(idmap::Shift({}, low)({5, 6}) == Owner{100005, 200006});
  CHECK(idmap::Shift(low, {})({100005, 200006}) == Owner{5, 6});
  CHECK(idmap::Shift(low, high)({100005, 200100}) == Owner{500005, 7});
  CHECK(idmap::Shift(low, low).changes_nothing());
  CHECK_FALSE(idmap::Shift(low, high).changes_nothing());
}

TEST_CASE("what the new maps lack becomes nobody's", "[idmap]") {
  IdMaps const few{.uids = {{0, 100000, 3}}, .gids = {{0, 100000, 3}}};
  CHECK(idmap::Shift({}, few)({2, 3}) == Owner{100002, idmap::overflow_id});
  CHECK(idmap::Shift({}, few)({5, 6}) == Owner{idmap::overflow_id, idmap::overflow_id});
}

TEST_CASE("what the old maps lack is an error, but for the store's own root", "[idmap]") {
  IdMaps const old{.uids = {{0, 100000, 10}}, .gids = {{0, 200000, 10}}};
  CHECK(idmap::Shift(old, {})({0, 0}) == Owner{0, 0});
  CHECK(idmap::Shift(old, {.uids = {{0, 7, 1}}, .gids = {{0, 8, 1}}})({0, 0}) == Owner{7, 8});
  CHECK_THROWS_AS(idmap::Shift(old, {})({0, 200000}), Error);
  CHECK_THROWS_AS(idmap::Shift(old, {})({5, 200000}), Error);
}
