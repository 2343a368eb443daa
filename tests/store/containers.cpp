#include <strata/fs.hpp>
#include <strata/store/containers.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::Fixture;

namespace {

/// A driver whose layers cannot be unmounted for as long as it is told so.
struct Stuck : drivers::Vfs {
  using Vfs::Vfs;
  void unmount(LayerId const& id, Flush flush) {
    if (stuck) throw Error(std::make_error_code(std::errc::device_or_resource_busy), "unmount " + id.str());
    Vfs::unmount(id, flush);
  }
  static inline bool stuck = false;
};

}  // namespace

TEST_CASE("an item whose layer cannot be unmounted is not removed", "[store][containers]") {
  using S = Store<Stuck, serializers::Json, durability::None>;
  Fixture<S> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  auto image = store.images().create({.id = "image", .top_layer = "base"});
  auto const box = store.containers().create("image", {.id = "box"});
  auto const layer = box.layer().id();
  box.mount().keep();
  Stuck::stuck = true;
  auto const busy = std::make_error_code(std::errc::device_or_resource_busy);
  CHECK(code_of([&] { store.containers().remove("box"); }) == busy);
  CHECK(store.containers().exists("box"));
  CHECK(store.layers().exists(layer));
  {
    S other(fixture.options());  // nor does whoever opens the store next find anything to finish
    CHECK(other.containers().get("box").layer().id() == layer);
    CHECK(other.containers().get("box").mount_count() == 1);
  }
  Stuck::stuck = false;
  store.containers().remove("box");
  CHECK(store.layers().list().size() == 1);

  image.mount().keep();
  Stuck::stuck = true;
  CHECK(code_of([&] { store.images().remove("image"); }) == busy);
  CHECK(store.images().exists("image"));
  CHECK(store.layers().exists("base"));
  Stuck::stuck = false;
  store.images().remove("image");
  CHECK(store.layers().list().empty());
}

TEMPLATE_TEST_CASE("no container is created over a layer whose parent is missing", "[store][containers]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "top"});
  store.layers().remove("base", {.force = true});
  CHECK(code_of([&] { store.containers().create("image", {.id = "box"}); }) == Errc::layer_unknown);
  CHECK(store.containers().list().empty());
  CHECK(store.layers().list().size() == 1);
}

TEMPLATE_TEST_CASE("a container has its own layer over the image's", "[store][containers]", stores::Vfs,
                   stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.images().create({.id = "image", .names = {"name"}, .top_layer = "base"});
  auto const box = store.containers().create("name", {.id = "box", .names = {"b"}, .metadata = "{}"});
  REQUIRE(box.image());
  CHECK(box.image()->id().str() == "image");
  CHECK(box.layer().parent()->id().str() == "base");
  CHECK(box.record().flags.at("MountLabel").text == "\"\"");
  CHECK_FALSE(is_set(box.record().flags, "Volatile"));
  CHECK(store.containers().get(box.record().layer).id() == box.id());  // found by its layer's id as well

  auto const other = store.containers().create("image", {.is_volatile = true});
  CHECK(is_set(other.record().flags, "Volatile"));
  CHECK(store.containers().list().size() == 2);
  CHECK(store.layers().list().size() == 3);

  auto const bare = store.containers().create("");
  CHECK_FALSE(bare.image());
  CHECK_FALSE(bare.layer().parent());

  for (auto const& container : store.containers().list()) store.containers().remove(container);
  CHECK(store.layers().list().size() == 1);
}

TEMPLATE_TEST_CASE("a failed creation of a container leaves nothing", "[store][containers]", stores::Vfs,
                   stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.images().create({.id = "image"});
  store.containers().create("image", {.id = "box", .names = {"taken"}});
  CHECK(code_of([&] { store.containers().create("nothing"); }) == Errc::image_unknown);
  CHECK(code_of([&] { store.containers().create("image", {.id = "box"}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { store.containers().create("image", {.names = {"taken"}}); }) == Errc::duplicate_name);
  CHECK(store.containers().list().size() == 1);
  CHECK(store.layers().list().size() == 1);
}

TEMPLATE_TEST_CASE("directories and big data are removed with the container", "[store][containers]",
                   stores::Vfs) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto box = store.containers().create("", {.id = "box"});
  CHECK(box.directory() == fixture.graph() / "vfs-containers/box/userdata");
  CHECK(fs::is_directory(box.directory()));
  CHECK(fs::is_directory(box.run_directory()));
  fs::ofstream(box.directory() / "file") << "12345";
  box.big_data().set("config.json", "1234567");
  CHECK(box.size() == 12);
  auto const kept = box.directory();
  auto const run = box.run_directory();
  store.containers().remove("box");
  CHECK_FALSE(fs::exists(kept.parent_path()));
  CHECK_FALSE(fs::exists(run.parent_path()));
  CHECK(code_of([&] { store.containers().remove("box"); }) == Errc::container_unknown);
}
