#include <strata/fs.hpp>
#include <strata/store/older_images.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::ids;
using stores::tar_of;

namespace {

/// A graph root with an image of two layers, and what it becomes once there is an image store.
class WithOlderImage {
 public:
  WithOlderImage() {
    stores::Vfs before(options);
    before.layers().create({.id = "base"});
    before.layers().import(memory_source(tar_of({{"file", "x"}})), {.id = "top", .parent = "base"});
    auto image = before.images().create({.id = "image", .names = {"name"}, .top_layer = "top"});
    image.big_data().set("manifest", "{}");
    options.image_store = directory.path() / "images";
  }
  fs::path data() const { return options.graph_root / "vfs-images/image"; }

  testing::TempDir directory;
  stores::Vfs::Options options{.graph_root = directory.path() / "graph",
                               .run_root = directory.path() / "run"};
};

}  // namespace

TEST_CASE("removing an image that only the graph root has removes the layers that nothing else needs",
          "[store][older_images]") {
  WithOlderImage older;
  stores::Vfs store(older.options);
  CHECK(store.images().get("name").removable());
  CHECK(store.images().remove("name", {.dry_run = true}).size() == 2);
  SECTION("not while a container uses it") {
    store.containers().create("name", {.id = "box"});
    CHECK(code_of([&] { store.images().remove("name"); }) == Errc::image_used_by_container);
    CHECK(sys::read_file(older.data() / "manifest") == "{}");
  }
  SECTION("only as one that this is not about") {
    CHECK(code_of([&] { store.images().remove("name", {.expected_created = Timestamp{}}); }) ==
          Errc::store_read_only);
    CHECK(code_of([&] { store.images().remove("image", {.force = true}); }) == Errc::store_read_only);
    CHECK(store.images().exists("image"));
  }
  SECTION("another image of the image store needs a layer") {
    store.images().create({.id = "second", .top_layer = "base"});
    CHECK(store.images().remove("name") == std::vector{LayerId("top")});
    CHECK(ids(store.layers().list()) == std::vector<std::string>{"base"});
  }
  SECTION("with a copy in the image store, both go") {
    store.images().get("name").add_names({"new"});
    REQUIRE(store.images().list().size() == 2);
    CHECK(store.images().remove("image").size() == 2);
  }
  SECTION("by itself") { CHECK(store.images().remove("name").size() == 2); }
  if (store.images().exists("image") || store.images().exists("second")) return;
  CHECK(store.images().list().empty());
  CHECK(store.layers().list().empty());
  CHECK_FALSE(fs::exists(older.data()));
  older.options.image_store.clear();
  CHECK(stores::Vfs(older.options).images().list().empty());
}

TEST_CASE("a crash while an image is copied to the image store leaves the original's data",
          "[store][older_images]") {
  WithOlderImage older;
  stores::Vfs store(older.options);
  auto image = store.images().get("image");
  log_intents(image.core(), {{IntentKind::image_files, "image"}}).leave();
  stores::Vfs again(older.options);
  static_cast<void>(again.layers().list());
  CHECK(sys::read_file(older.data() / "manifest") == "{}");
  CHECK(again.images().get("image").big_data().get("manifest") == "{}");
  CHECK(fs::is_empty(older.options.graph_root / "vfs-layers/tmp"));
}
