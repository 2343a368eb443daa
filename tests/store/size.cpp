#include <strata/fs.hpp>
#include <strata/store/size.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"

using namespace strata;
using stores::Fixture;
using stores::tar_of;

TEMPLATE_TEST_CASE("a layer's size is the recorded size of its tar, else that of its changed files",
                   "[store][size]", stores::Vfs, stores::Journal) {
  Fixture<TestType> fixture;
  auto const tar = tar_of({{"file", std::string(1000, 'x')}});
  CHECK(fixture.store.layers().import(memory_source(tar)).size() == static_cast<std::int64_t>(tar.size()));
  CHECK(fixture.store.layers().create().size() == 0);
}

TEMPLATE_TEST_CASE("an image's size is the sum over its layers and big data, each counted once",
                   "[store][size]", stores::Vfs, stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto const tar = tar_of({{"file", std::string(1000, 'x')}});
  auto const size = static_cast<std::int64_t>(tar.size());
  store.layers().import(memory_source(tar), {.id = "base"});
  store.layers().import(memory_source(tar), {.id = "top", .parent = "base"});
  auto image = store.images().create({.top_layer = "top"});
  CHECK(image.size() == 2 * size);
  image.big_data().set("manifest", "12345");
  image.big_data().set("manifest", "123");
  CHECK(image.size() == 2 * size + 3);
  CHECK(store.images().create().size() == 0);
}

TEST_CASE("an image with a missing layer has no size, and the error names the layer", "[store][size]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  auto const image = store.images().create({.top_layer = "top"});
  store.layers().remove("base", {.force = true});
  CHECK(stores::code_of([&] { static_cast<void>(image.size()); }) == Errc::layer_unknown);
  CHECK(stores::holder_of([&] { static_cast<void>(image.size()); }) == "base");
}

TEST_CASE("an error while computing a size names the layer", "[store][size]") {
  Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  auto const box = store.containers().create(store.images().create({.top_layer = "base"}));
  store.layers().remove("base", {.force = true});
  CHECK(stores::code_of([&] { static_cast<void>(box.size()); }) == Errc::parent_unknown);
  CHECK(stores::holder_of([&] { static_cast<void>(box.size()); }) == box.layer().id().str());
}

TEST_CASE("a container's size includes its changes, big data and directories", "[store][size]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(tar_of({{"below", std::string(1000, 'x')}})), {.id = "base"});
  auto box = store.containers().create(store.images().create({.top_layer = "base"}));
  CHECK(box.size() == 0);
  fs::ofstream(box.mount().path() / "above") << "1234";
  CHECK(box.size() == 4);
  box.big_data().set("config", "12");
  CHECK(box.size() == 6);
  fs::ofstream(box.directory() / "file") << "1";
  fs::ofstream(box.run_directory() / "file") << "1";
  CHECK(box.size() == 8);
}
