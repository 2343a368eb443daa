#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/store/layers.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::Fixture;
using stores::holder_of;

TEMPLATE_TEST_CASE("layers are found by id, name and unique prefix", "[store][layers]", stores::Vfs,
                   stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  auto const base = layers.create({.id = "aa11", .names = {"base", "base", "second"}, .metadata = "text"});
  auto const top = layers.create({.id = "ab22", .parent = "base"});

  CHECK(base.names() == names::List{"base", "second"});
  CHECK(base.metadata() == "text");
  CHECK(layers.get("second").id() == base.id());
  CHECK(layers.get("aa").id() == base.id());
  CHECK(layers.get(base).id() == base.id());
  CHECK_FALSE(layers.find("a"));
  CHECK_FALSE(layers.exists("nothing"));
  CHECK(code_of([&] { layers.get("nothing"); }) == Errc::layer_unknown);
  CHECK(stores::ids(layers.list()) == std::vector<std::string>{"aa11", "ab22"});
  REQUIRE(top.parent());
  CHECK(top.parent()->id() == base.id());
  CHECK_FALSE(base.parent());
}

TEMPLATE_TEST_CASE("generated ids have as many digits as the traits say", "[store][layers]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto const layer = fixture.store.layers().create();
  CHECK(layer.id().str().size() == TestType::Layer::Traits::id_digits);
  CHECK(layer.id().str().find_first_not_of("0123456789abcdef") == std::string::npos);
}

namespace {
using MemoryJson = Store<drivers::Memory, serializers::Json, durability::None>;

template <class D, class S>
struct ShortIds : StoreTraits<D, S> {
  struct Layer : LayerTraits<D, S> {
    static constexpr std::size_t id_digits = 12;
  };
};
}  // namespace

TEST_CASE("a shadowed trait takes effect without changes to the library", "[store][layers]") {
  using S = Store<drivers::Memory, serializers::Journal, durability::None,
                  ShortIds<drivers::Memory, serializers::Journal>>;
  Fixture<S> fixture;
  CHECK(fixture.store.layers().create().id().str().size() == 12);
  CHECK(fixture.store.images().create().id().str().size() == 32);
}

TEMPLATE_TEST_CASE("creation refuses duplicates and unknown items, and leaves nothing", "[store][layers]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "one", .names = {"taken"}});
  auto const before = stores::files_below(fixture.graph());

  CHECK(code_of([&] { layers.create({.id = "one"}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { layers.create({.names = {"taken"}}); }) == Errc::duplicate_name);
  CHECK(holder_of([&] { layers.create({.names = {"taken"}}); }) == "one");
  CHECK(code_of([&] { layers.create({.parent = "nothing"}); }) == Errc::layer_unknown);
  // told first, as containers/storage does
  CHECK(code_of([&] { layers.create({.id = "one", .names = {"taken"}, .parent = "nothing"}); }) ==
        Errc::layer_unknown);
  for (auto const* id : {".", "..", "../x", "a/b"})
    CHECK(code_of([&] { layers.create({.id = id}); }) == Errc::invalid_id);
  CHECK(layers.list().size() == 1);
  CHECK(stores::files_below(fixture.graph()) == before);
}

TEMPLATE_TEST_CASE("a layer in use is not removed, and the error names what uses it", "[store][layers]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto const base = store.layers().create({.id = "base", .names = {"name"}});
  store.layers().create({.id = "child", .parent = base});
  CHECK(code_of([&] { store.layers().remove("base"); }) == Errc::layer_has_children);
  CHECK(code_of([&] { store.layers().remove("name"); }) == Errc::layer_has_children);
  CHECK(holder_of([&] { store.layers().remove("bas"); }) == "child");

  auto const image = store.images().create({.id = "image", .top_layer = "child"});
  CHECK(code_of([&] { store.layers().remove("child"); }) == Errc::layer_used_by_image);
  auto const box = store.containers().create(image, {.id = "box"});
  CHECK(code_of([&] { store.layers().remove(box.record().layer); }) == Errc::layer_used_by_container);
  CHECK(code_of([&] { store.layers().create({.parent = box.record().layer}); }) == Errc::parent_is_container);

  store.containers().remove(box);
  store.images().remove(image);
  CHECK(store.layers().list().empty());
  CHECK(code_of([&] { store.layers().remove("base"); }) == Errc::layer_unknown);
}

TEMPLATE_TEST_CASE("a removed item is gone from disk, and its id can be used again", "[store][layers]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "other"});
  auto const before = stores::files_below(fixture.graph());
  for (int round = 0; round < 2; ++round) {
    auto layer = layers.import(memory_source(stores::tar_of({{"file", "content"}})), {.id = "layer"});
    layer.big_data().set("key", "value");
    layers.remove("layer");
    CHECK(stores::files_below(fixture.graph()) == before);
  }
}

TEMPLATE_TEST_CASE("names move between layers, visible to every store object", "[store][layers]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  TestType other(fixture.options());
  auto one = fixture.store.layers().create({.id = "one", .names = {"a", "b"}});
  auto two = fixture.store.layers().create({.id = "two"});
  CHECK(two.add_names({"b", "c"}) == names::List{"b", "c"});
  if constexpr (!std::same_as<TestType,
                              stores::Journal>) {  // two Memory drivers share nothing, records or not
    CHECK(other.layers().get("b").id().str() == "two");
    CHECK(other.layers().get("one").names() == names::List{"a"});
  }
  one.refresh();
  CHECK(one.names() == names::List{"a"});
  CHECK(one.set_names({"x", "x", "y"}) == names::List{"x", "y"});
  CHECK(one.remove_names({"x", "nothing"}) == names::List{"y"});
  CHECK(one.set_names({}).empty());
  one.set_metadata("new");
  CHECK(fixture.store.layers().get("one").metadata() == "new");
  CHECK(code_of([&] {
          fixture.store.layers().remove("one");
          one.set_metadata("late");
        }) == Errc::layer_unknown);
}

TEMPLATE_TEST_CASE("setting big data of a removed item leaves nothing", "[store][layers][big_data]",
                   stores::Vfs, stores::Journal) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto layer = store.layers().create({.id = "going"});
  auto image = store.images().create({.id = "gone", .top_layer = "going"});
  auto box = store.containers().create("gone", {.id = "box"});
  store.containers().remove("box");
  store.images().remove("gone");
  auto const before = stores::files_below(fixture.graph());
  // An odd key: one whose file's name leads through a directory of its own.
  std::string const odd = "????";
  REQUIRE(big_data_file_name(odd).find('/') != std::string::npos);
  for (auto const& key : {std::string("key"), odd}) {
    CHECK(code_of([&] { layer.big_data().set(key, "data"); }) == Errc::layer_unknown);
    CHECK(code_of([&] { image.big_data().set(key, "data"); }) == Errc::image_unknown);
    CHECK(code_of([&] { box.big_data().set(key, "data"); }) == Errc::container_unknown);
  }
  CHECK(stores::files_below(fixture.graph()) == before);
}

TEST_CASE("ids and keys that a record would not preserve are refused", "[store][layers][big_data]") {
  std::string const odd =
      "od\xff"
      "d";
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  CHECK(code_of([&] { store.layers().create({.id = odd}); }) == Errc::invalid_id);
  CHECK(code_of([&] { store.images().create({.id = odd}); }) == Errc::invalid_id);
  CHECK(code_of([&] { store.containers().create("", {.id = odd}); }) == Errc::invalid_id);
  store.layers().create({.id = "\u00f6d"});
  auto layer = store.layers().get("\u00f6d");
  CHECK(code_of([&] { layer.big_data().set(odd, "x"); }) == Errc::invalid_name);
  CHECK(check(store).clean());
  Fixture<stores::Journal> other;  // keeps all bytes
  auto kept = other.store.layers().create({.id = odd});
  kept.big_data().set(odd, "x");
  CHECK(other.store.layers().get(odd).big_data().get(odd) == "x");
  CHECK(check(other.store).clean());
}

TEMPLATE_TEST_CASE("a handle on a removed item does not affect any other", "[store][layers]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  auto gone = layers.create({.id = "ab"});
  layers.remove("ab");
  auto const longer = layers.create({.id = "abc"});                       // "ab" begins its id,
  auto const named = layers.create({.id = "named", .names = {"other"}});  // and could be a name
  CHECK(layers.get("ab").id() == longer.id());
  CHECK(code_of([&] { gone.set_metadata("late"); }) == Errc::layer_unknown);
  CHECK(code_of([&] { gone.add_names({"late"}); }) == Errc::layer_unknown);
  CHECK(code_of([&] { gone.refresh(); }) == Errc::layer_unknown);
  CHECK(code_of([&] { gone.big_data().set("key", "late"); }) == Errc::layer_unknown);
  CHECK(code_of([&] { gone.apply(memory_source(stores::tar_of({{"file", "x"}}))); }) == Errc::layer_unknown);
  CHECK(code_of([&] { stores::diff_of(gone); }) == Errc::layer_unknown);
  CHECK(code_of([&] { layers.remove(gone); }) == Errc::layer_unknown);
  CHECK_FALSE(layers.exists(gone));
  CHECK_FALSE(layers.find(LayerId("other")));
  CHECK(layers.find("other")->id() == named.id());
  CHECK(layers.get(longer).metadata().empty());
  CHECK(layers.get(longer).names().empty());
}

TEST_CASE("an error tells what it is about apart from its text", "[store][layers]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto base = store.layers().create({.id = "base", .names = {"name"}});
  store.layers().create({.id = "top", .parent = base});
  auto const error_of = [](auto&& call) {
    try {
      call();
    } catch (Error const& error) {
      return error;
    }
    FAIL("no error");
    throw 0;
  };
  auto const unknown = error_of([&] { store.images().get("nothing"); });
  CHECK(unknown.code() == std::errc::no_such_file_or_directory);
  CHECK(unknown.kind() == Subject::image);
  CHECK(unknown.id() == "nothing");
  CHECK(error_of([&] { store.remove("nothing"); }).id() == "nothing");
  auto const used = error_of([&] { store.layers().remove("name"); });
  CHECK(used.code() == std::errc::device_or_resource_busy);
  CHECK(used.kind() == Subject::layer);
  CHECK(used.id() == "base");
  CHECK(used.holder() == "top");
  auto const twice = error_of([&] { store.layers().create({.id = "base"}); });
  CHECK(twice.code() == std::errc::file_exists);
  CHECK(twice.kind() == Subject::layer);
  CHECK(twice.id() == "base");
  auto const named = error_of([&] { store.layers().create({.names = {"name"}}); });
  CHECK(named.id() == "name");
  CHECK(named.holder() == "base");
  auto const no_data = error_of([&] { base.big_data().get("key"); });
  CHECK(no_data.kind() == Subject::layer);
  CHECK(no_data.id() == "base");

  sys::replace_file(fixture.graph() / "vfs-layers/layers.json", "[");
  auto const damaged = error_of([&] { static_cast<void>(stores::Vfs(fixture.options()).layers().list()); });
  CHECK(damaged.errc() == Errc::corrupt_record);
  CHECK(damaged.path() == fixture.graph() / "vfs-layers/layers.json");
}

TEMPLATE_TEST_CASE("a layer in memory is created and removed without files but its record", "[store][layers]",
                   stores::Journal, MemoryJson) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  auto const trash = fixture.graph() / "memory-layers/tmp";
  auto const mounts = fixture.directory.path() / "run/memory-layers/mountpoints.lock";

  auto const base = layers.create({.names = {"base"}});
  layers.create({.names = {"top"}, .parent = "base"});
  CHECK(code_of([&] { layers.remove("base"); }) == Errc::layer_has_children);
  fixture.store.images().create({.names = {"image"}, .top_layer = "top"});
  CHECK(code_of([&] { layers.remove("top"); }) == Errc::layer_used_by_image);
  fixture.store.images().remove("image", {.keep_layers = true});
  fs::remove_all(trash);
  fs::remove(mounts);
  layers.remove("top");
  layers.remove("base");
  CHECK(layers.list().empty());
  CHECK_FALSE(fs::exists(trash));
  CHECK_FALSE(fs::exists(mounts));

  layers.create({.id = base.id().str()});  // the tree went, too
  auto const imported = layers.import(strata::memory_source(stores::tar_of({{"file", "x"}})));
  auto const tar_split = imported.core().tar_split(imported.id().str());
  CHECK(fs::exists(tar_split));
  layers.remove(imported);
  CHECK_FALSE(fs::exists(tar_split));
}

TEMPLATE_TEST_CASE("removing a layer in memory removes files that its record does not tell of",
                   "[store][layers]", stores::Journal, MemoryJson) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  auto const directory = fixture.graph() / "memory-layers";
  auto erased = layers.create({.id = "erased"});
  erased.big_data().set("key", "value");
  erased.big_data().erase("key");
  layers.remove("erased");
  CHECK_FALSE(fs::exists(directory / "erased"));

  layers.create({.id = "half"});  // as if a process had died while it wrote the first big data
  fs::create_directory(directory / "half");
  sys::replace_file(directory / "half/.tmp-key", "val");
  layers.remove("half");
  CHECK_FALSE(fs::exists(directory / "half"));

  auto staged = layers.stage();
  staged.fill_by([](auto&, auto&, fs::path const& tar_split, auto&) {
    sys::replace_file(tar_split, "of an archive whose digest is not recorded");
  });
  auto const filled = staged.commit({.id = "filled"});
  auto const tar_split = filled.core().tar_split("filled");
  CHECK(fs::exists(tar_split));
  layers.remove(filled);
  CHECK_FALSE(fs::exists(tar_split));
}

TEST_CASE("a layer in memory whose record cannot be written is gone, though no staging directory can be made",
          "[store][layers]") {
  Fixture<MemoryJson> fixture;
  auto layers = fixture.store.layers();
  auto const kept = layers.create();
  auto const directory = fixture.graph() / "memory-layers";
  auto const trash = fixture.store.core().layer_trash();
  fs::remove_all(trash);
  sys::replace_file(trash, "in its place");
  fs::create_directory(directory / ".tmp-layers.json");
  CHECK(code_of([&] { layers.create({.id = "id"}); }) == std::errc::is_a_directory);
  CHECK_FALSE(fixture.store.core().driver().exists(LayerId("id")));
  CHECK(code_of([&] { layers.remove(kept); }) == std::errc::is_a_directory);
  CHECK(fixture.store.core().driver().exists(kept.id()));

  fs::remove(directory / ".tmp-layers.json");
  layers.create({.id = "id"});
  layers.remove("id");
  layers.remove(kept);
  CHECK(fixture.store.core().driver().list().empty());
}
