#include <strata/fs.hpp>
#include <strata/store/core.hpp>

#include "stores.hpp"
#include "tools/flushed.hpp"

using namespace strata;
using stores::code_of;
using stores::diff_of;
using stores::has_record;
using stores::ids;
using stores::tar_of;

namespace {

/// A store whose images, and the layers that nobody writes to, are in a directory of their own.
template <class S>
class WithImageStore {
 public:
  typename S::Options options(std::string const& graph = "graph") const {
    return {.graph_root = directory.path() / graph,
            .run_root = directory.path() / (graph + "-run"),
            .image_store = directory.path() / "images"};
  }
  fs::path graph() const { return directory.path() / "graph"; }
  fs::path images() const { return directory.path() / "images"; }

  WithImageStore() : store(std::make_unique<S>(options())) {}
  ~WithImageStore() { store->shutdown({.force = true}); }

  testing::TempDir directory;
  std::unique_ptr<S> store;
};

/// Tells which layers it removed, in order.
class TellingVfs : public drivers::Vfs {
 public:
  struct Options {
    std::vector<std::string>* removed = nullptr;
  };
  TellingVfs(DriverPlace const& place, Options const& options)
      : drivers::Vfs(place, {}), removed_(options.removed) {}

  Trash remove(LayerId const& id) {
    removed_->push_back(id.str());
    return drivers::Vfs::remove(id);
  }

 private:
  std::vector<std::string>* removed_;
};

}  // namespace

TEMPLATE_TEST_CASE("files of a store with a separate image store are where the format has them",
                   "[store][image_store]", stores::Vfs, stores::Overlay) {
  if (TestType::Core::Driver::name() == "overlay" && ::geteuid() != 0) return;
  WithImageStore<TestType> apart;
  auto& store = *apart.store;
  std::string const driver(TestType::Core::Driver::name());
  store.layers().import(memory_source(tar_of({{"file", "x"}})), {.id = "base"});
  auto image = store.images().create({.id = "image", .names = {"name"}, .top_layer = "base"});
  image.big_data().set("manifest", "{}");
  auto const box = store.containers().create("image", {.id = "box"});
  auto const written = box.layer().id().str();
  auto data_of = store.layers().get("base");
  data_of.big_data().set("key", "data");

  CHECK(has_record(apart.images() / (driver + "-images/images.json"), "image"));
  CHECK(fs::exists(apart.images() / (driver + "-images/image/manifest")));
  CHECK(has_record(apart.images() / (driver + "-layers/layers.json"), "base"));
  CHECK_FALSE(has_record(apart.images() / (driver + "-layers/layers.json"), written));
  CHECK(has_record(apart.graph() / (driver + "-layers/layers.json"), written));
  CHECK_FALSE(has_record(apart.graph() / (driver + "-layers/layers.json"), "base"));
  CHECK(fs::exists(apart.graph() / (driver + "-layers/base.tar-split.gz")));
  CHECK(fs::exists(apart.graph() / (driver + "-layers/base/key")));
  CHECK(has_record(apart.graph() / (driver + "-containers/containers.json"), "box"));
  auto const home = driver == "vfs" ? std::string("vfs/dir") : driver;
  CHECK(fs::exists(apart.images() / home / "base"));
  CHECK(fs::exists(apart.graph() / home / written));
  CHECK_FALSE(fs::exists(apart.graph() / home / "base"));
  CHECK(image.directory().native().starts_with(apart.graph().native()));

  CHECK(ids(store.layers().list()) == std::vector<std::string>{written, "base"});
  CHECK_FALSE(store.layers().get("base").read_only());
  CHECK(sys::read_file(box.mount().path() / "file") == "x");
  CHECK(diff_of(store.layers().get("base")) == tar_of({{"file", "x"}}));

  SECTION("another object sees the same") {
    TestType again(apart.options());
    CHECK(ids(again.layers().list()) == std::vector<std::string>{written, "base"});
    CHECK(again.images().get("name").big_data().get("manifest") == "{}");
  }
  SECTION("a layer of the image store is changed there") {
    auto changed = store.layers().get("base");
    changed.add_names({"named"});
    CHECK(sys::read_file(apart.images() / (driver + "-layers/layers.json")).find("named") !=
          std::string::npos);
    CHECK_FALSE(has_record(apart.graph() / (driver + "-layers/layers.json"), "base"));
    store.containers().remove("box");
    changed.apply(memory_source(tar_of({{"other", "y"}})));
    CHECK(diff_of(changed) == tar_of({{"other", "y"}}));
  }
  SECTION("removed, nothing is left in either place") {
    store.containers().remove("box");
    store.images().remove("image");
    CHECK(store.layers().list().empty());
    for (auto const& root : {apart.graph(), apart.images()})
      for (auto const& path : stores::files_below(root)) {
        INFO(path);
        CHECK(path.find("base") == std::string::npos);
        CHECK(path.find("image/") == std::string::npos);
        CHECK(path.find(written) == std::string::npos);
      }
  }
}

TEST_CASE("stores that share an image store see each other's images, but not containers",
          "[store][image_store]") {
  WithImageStore<stores::Vfs> apart;
  stores::Vfs other(apart.options("other"));
  auto& store = *apart.store;
  CHECK(other.layers().list().empty());
  store.layers().import(memory_source(tar_of({{"file", "x"}})), {.id = "base"});
  store.images().create({.id = "image", .top_layer = "base"});
  store.containers().create("image", {.id = "box"});
  CHECK(ids(other.layers().list()) == std::vector<std::string>{"base"});
  CHECK(ids(other.images().list()) == std::vector<std::string>{"image"});
  CHECK(other.containers().list().empty());
  auto const box = other.containers().create("image", {.id = "box"});
  CHECK(sys::read_file(box.mount().path() / "file") == "x");
  other.layers().import(memory_source(tar_of({})), {.id = "later"});
  CHECK(store.layers().exists("later"));
}

TEST_CASE("images in the graph root from before the image store are used and keep their layers",
          "[store][image_store]") {
  testing::TempDir directory;
  stores::Vfs::Options options{.graph_root = directory.path() / "graph",
                               .run_root = directory.path() / "run"};
  {
    stores::Vfs before(options);
    before.layers().create({.id = "base"});
    before.images().create({.id = "image", .names = {"name"}, .top_layer = "base"});
  }
  options.image_store = directory.path() / "images";
  stores::Vfs store(options);
  CHECK(store.images().get("name").read_only());
  CHECK(store.containers().create("name").record().image == "image");
  CHECK(code_of([&] { store.layers().remove("base"); }).value() != 0);
  store.wipe();
  CHECK(ids(store.images().list()) == std::vector<std::string>{"image"});
}

// The list has those of the graph root first: killed in the middle, a wipe would leave a layer without its parent.
TEST_CASE("a wipe removes a layer before its parent in the image store", "[store][image_store]") {
  testing::TempDir directory;
  std::vector<std::string> removed;
  using TellingStore = Store<TellingVfs, serializers::Json, durability::None>;
  TellingStore::Options const options{.graph_root = directory.path() / "graph",
                                      .run_root = directory.path() / "run",
                                      .driver = {.removed = &removed},
                                      .image_store = directory.path() / "images"};
  {
    TellingStore store(options);
    store.layers().create({.id = "base", .writable = false});
    store.layers().create({.id = "middle", .parent = "base", .writable = false});
    store.layers().create({.id = "written", .parent = "middle"});
  }
  TellingStore(options).wipe();
  CHECK(removed == std::vector<std::string>{"written", "middle", "base"});
}

TEST_CASE("intents are flushed if what they tell of may be on another file system", "[store][image_store]") {
  WithImageStore<stores::DurableVfs> with;
  with.store->images().create({.id = "image"}).big_data().set("key", "old");
  auto const flushed = tools::flushed_by(
      [&] { stores::DurableVfs(with.options()).images().get("image").big_data().set("key", "new"); });
  // The name of the intents' directory, which nothing else flushes, and then the names of the record and the file.
  auto const intents = tools::place_of(with.graph() / "vfs-layers/tmp", flushed);
  REQUIRE(intents != flushed.size());
  CHECK(intents < tools::place_of(with.images() / "vfs-images", flushed));
  CHECK(intents < tools::place_of(with.images() / "vfs-images/image", flushed));
}
