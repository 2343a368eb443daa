#include <strata/records/names.hpp>

#include <catch2/catch.hpp>

namespace names = strata::names;
using List = names::List;

TEST_CASE("a list of names has each name once, at its first place", "[item][names]") {
  CHECK(names::unique({"a", "b", "a", "c", "b"}) == List{"a", "b", "c"});
  CHECK(names::unique({}).empty());
}

TEST_CASE("added names stand in front, in the order given", "[item][names]") {
  CHECK(names::add({"old", "older"}, {"new", "newer"}) == List{"new", "newer", "old", "older"});
  CHECK(names::add({"a", "b"}, {"b"}) == List{"b", "a"});
}

TEST_CASE("removing names that are not there changes nothing", "[item][names]") {
  CHECK(names::remove({"a", "b", "c"}, {"b", "x"}) == List{"a", "c"});
}

TEST_CASE("the history has the newest name first and none twice", "[item][names]") {
  CHECK(names::history({}, {"one", "two"}) == List{"two", "one"});
  CHECK(names::history({"two", "one"}, {"one", "three"}) == List{"three", "one", "two"});
}
