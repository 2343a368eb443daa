#include <strata/store/storage_layers.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEMPLATE_TEST_CASE("a storage layer exists in the driver only", "[store][storage_layers]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto storage = store.storage_layers();
  store.layers().create({.id = "recorded"});
  CHECK(storage.create({.id = "raw", .parent = "recorded"}).str() == "raw");
  auto const random = storage.create({.parent = "raw"});

  CHECK(storage.exists(LayerId("raw")));
  CHECK(!store.layers().exists("raw"));
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"recorded"});
  std::vector<std::string> expected{random.str(), "raw", "recorded"};
  std::ranges::sort(expected);
  std::vector<std::string> found;
  for (auto const& id : storage.list()) found.push_back(id.str());
  CHECK(found == expected);
}

TEMPLATE_TEST_CASE("an existing storage layer is left unchanged", "[store][storage_layers]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto layer =
      fixture.store.layers().import(memory_source(stores::tar_of({{"file", "contents"}})), {.id = "full"});
  CHECK(fixture.store.storage_layers().create({.id = "full"}).str() == "full");
  CHECK(layer.diff_size() == 8);
}

TEMPLATE_TEST_CASE("a storage layer needs an existing parent and a valid id", "[store][storage_layers]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto storage = fixture.store.storage_layers();
  CHECK(code_of([&] { storage.create({.id = "a", .parent = "nothing"}); }) == Errc::layer_unknown);
  CHECK(code_of([&] { storage.create({.id = "../a"}); }) == Errc::invalid_id);
  CHECK(code_of([&] { storage.create({.id = "a", .parent = "../x"}); }) == Errc::invalid_id);
  CHECK(storage.list().empty());
}
