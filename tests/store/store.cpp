#include <strata/store/store.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEMPLATE_TEST_CASE("find looks for layers first, then images, then containers", "[store]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "l", .names = {"same"}});
  store.images().create({.id = "i", .names = {"same", "two"}});
  store.containers().create("", {.id = "c", .names = {"same", "two", "three"}});
  auto const kind = [&](char const* name) {
    return store.find(name) ? static_cast<int>(store.find(name)->index()) : -1;
  };
  CHECK(kind("same") == 0);
  CHECK(kind("two") == 1);
  CHECK(kind("three") == 2);
  CHECK(kind("four") == -1);
}

TEMPLATE_TEST_CASE("a wiped store is empty and works", "[store]", stores::Vfs, stores::Journal,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "top"});
  store.containers().create("image");
  store.wipe();
  CHECK(store.layers().list().empty());
  CHECK(store.images().list().empty());
  CHECK(store.containers().list().empty());
  store.layers().create({.id = "base"});
}

TEST_CASE("hand-edited records do not prevent a wipe", "[store]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "a"});
  store.layers().create({.id = "b", .parent = "a"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(text.find("\"created\""), R"("parent":"b",)");
  sys::replace_file(file, text);
  store.wipe();
  CHECK(store.layers().list().empty());
}

TEST_CASE("removal by any name ignores references", "[store]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "top"});
  auto const box = store.containers().create("image", {.id = "box"});
  store.remove("base");
  store.remove("image");
  CHECK(store.layers().exists("top"));
  CHECK_FALSE(store.layers().exists("base"));
  store.remove("box");
  CHECK_FALSE(store.layers().exists(box.record().layer));
  CHECK(code_of([&] { store.remove("box"); }) == Errc::item_unknown);
}

TEST_CASE("an item keeps its store open", "[store]") {
  testing::TempDir directory;
  auto const layer = [&] {
    stores::Vfs store({.graph_root = directory.path() / "g", .run_root = directory.path() / "r"});
    return store.layers().create({.id = "one", .metadata = "text"});
  }();
  CHECK(layer.metadata() == "text");
  CHECK(stores::diff_of(layer).size() == 1024);
}
