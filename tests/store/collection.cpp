#include <strata/error.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/store.hpp>

#include <catch2/catch.hpp>

#include "stores.hpp"
#include <string>
#include <vector>

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEST_CASE("an item is found by its id, its name, or the beginning of its id that no other has",
          "[store][collection]") {
  Fixture<stores::Vfs> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "abc1", .names = {"one"}});
  layers.create({.id = "abd2", .names = {"abc"}});  // a name that is also the beginning of an id
  CHECK(layers.get("abc1").id().str() == "abc1");
  CHECK(layers.get("one").id().str() == "abc1");
  CHECK(layers.get("abd").id().str() == "abd2");
  CHECK(layers.get("abc").id().str() == "abd2");
  CHECK_FALSE(layers.find("ab"));  // two
  CHECK_FALSE(layers.find("x"));
  CHECK_FALSE(layers.find(""));
  CHECK_FALSE(layers.exists("ab"));
  CHECK(layers.exists("abc1"));
  CHECK(code_of([&] { layers.get("ab"); }) == Errc::layer_unknown);
  CHECK(code_of([&] { fixture.store.images().get("one"); }) == Errc::image_unknown);
  CHECK(code_of([&] { fixture.store.containers().get("one"); }) == Errc::container_unknown);
}

TEST_CASE("items are listed in the order in which they were made, volatile ones last",
          "[store][collection]") {
  stores::Vfs::Options options;
  testing::TempDir const dir;
  options.graph_root = dir.path().native() + "/graph";
  options.run_root = dir.path().native() + "/run";
  options.volatile_apart = true;
  std::vector<std::string> const expected{"second", "last", "first"};
  {
    stores::Vfs store(options);
    store.containers().create("", {.id = "first", .is_volatile = true});
    store.containers().create("", {.id = "second"});
    store.containers().create("", {.id = "last"});
    CHECK(stores::ids(store.containers().list()) == expected);
  }
  CHECK(stores::ids(stores::Vfs(options).containers().list()) == expected);  // as in the files
}

TEST_CASE("an id that a read-only store has too is listed once for each", "[store][collection]") {
  Fixture<stores::Vfs> other;
  other.store.layers().create({.id = "same", .names = {"theirs"}});
  other.store.layers().create({.id = "other"});
  Fixture<stores::Vfs> own;
  own.store.layers().create({.id = "same", .names = {"ours"}});  // before there was the other one
  auto options = own.options();
  options.image_stores = {other.graph()};
  stores::Vfs const store(options);
  CHECK(code_of([&] { store.layers().create({.id = "other"}); }) == Errc::duplicate_id);
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"same", "same", "other"});
  CHECK(store.layers().get("same").names() == names::List{"ours"});
  CHECK_FALSE(store.layers().get("same").read_only());
  CHECK(store.layers().get("other").read_only());
  CHECK_FALSE(store.layers().find("theirs"));  // the own record of that id does not have it
}
