#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/store/erase_data.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "stores.hpp"
#include "tools/flushed.hpp"
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

using namespace strata;
using stores::code_of;
using stores::Fixture;

namespace {

/// Calls `use` with a layer, an image and a container.
template <class S, class Use>
void with_each(S& store, Use&& use) {
  auto layer = store.layers().create({.id = "layer"});
  auto image = store.images().create({.id = "image", .top_layer = layer});
  auto box = store.containers().create(image, {.id = "box"});
  use(layer);
  use(image);
  use(box);
}

template <class Item>
fs::path data_file(Fixture<stores::Vfs> const& fixture, Item const& item, std::string_view key) {
  return fixture.graph() / ("vfs-" + std::string(Item::Traits::stem)) / item.id().str() /
         big_data_file_name(key);
}

/// Fails to encode records while it is armed.
struct FailingJson : serializers::Json {
  inline static bool armed = false;
  template <class Record>
  static std::string encode(std::span<Row<Record> const> rows, std::span<std::string const> rest) {
    if (armed) throw std::bad_alloc();
    return serializers::Json::encode(rows, rest);
  }
};

/// Leaves the intent of a process that died while it erased "key" of an item.
void leave_intent(fs::path const& graph, IntentKind kind, std::string const& id, std::string_view key) {
  auto dead = sys::StagingDirectory::create(graph / "vfs-layers/tmp");
  sys::replace_file(dead.path() / "erase-intent", key);
  dead.note(intent_text({kind, id}));
  dead.leave();
}

}  // namespace

TEMPLATE_TEST_CASE("erased big data is gone, with its key, size and digest", "[store][big_data]", stores::Vfs,
                   stores::Overlay, stores::Journal) {
  Fixture<TestType> fixture;
  with_each(fixture.store, [&](auto& item) {
    INFO(item.kind);
    for (auto const* key : {"key", "a???", "other"}) item.big_data().set(key, "bytes of " + std::string(key));
    auto source = item.big_data().source("key");
    item.big_data().erase("key");
    CHECK(as_text(source.next()) == "bytes of key");
    item.big_data().erase("a???");  // in a directory of its own
    CHECK(item.big_data().names() == names::List{"other"});
    for (auto const* key : {"key", "a???"}) {
      CHECK(code_of([&] { static_cast<void>(item.big_data().get(key)); }) == Errc::data_unknown);
      CHECK(code_of([&] { static_cast<void>(item.big_data().size(key)); }) == Errc::size_unknown);
      CHECK(code_of([&] { static_cast<void>(item.big_data().digest(key)); }) == Errc::digest_unknown);
      CHECK(code_of([&] { item.big_data().erase(key); }) == Errc::data_unknown);
    }
    CHECK(item.big_data().get("other") == "bytes of other");
    item.big_data().set("key", "again");
    CHECK(item.big_data().get("key") == "again");
    CHECK(item.big_data().names() == names::List{"other", "key"});
    item.refresh();
    CHECK(item.big_data().size("key") == 5);
  });
  CHECK(check(fixture.store).clean());
  CHECK(sys::StagingDirectory::look(fixture.store.core().layer_trash()).empty());
}

TEST_CASE("a process that dies while it erases big data leaves all of it or nothing", "[store][big_data]") {
  Fixture<stores::Vfs> fixture;
  with_each(fixture.store, [&](auto& item) {
    using Traits = typename std::remove_cvref_t<decltype(item)>::Traits;
    INFO(Traits::kind);
    auto const kind = detail::data_kind<Traits, typename Traits::Core>();
    item.big_data().set("key", "old");
    item.big_data().set("kept", "text");
    leave_intent(fixture.graph(), kind, item.id().str(), "key");  // before the record was written
    {
      stores::Vfs store(fixture.options());
      CHECK_FALSE(store.layers().list().empty());
      item.refresh();
      CHECK(item.big_data().get("key") == "old");
      CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
    }
    item.big_data().erase("key");
    auto const file = data_file(fixture, item, "key");
    fs::ofstream(file) << "old";
    leave_intent(fixture.graph(), kind, item.id().str(), "key");  // after that
    leave_intent(fixture.graph(), kind, item.id().str(), "");
    leave_intent(fixture.graph(), kind, "none", "key");
    {
      stores::Vfs store(fixture.options());
      CHECK_FALSE(store.layers().list().empty());
    }
    CHECK_FALSE(fs::exists(file));
    CHECK(item.big_data().get("kept") == "text");
    CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
  });
  CHECK(check(fixture.store).clean());
}

TEST_CASE("recovery flushes what a dead process removed when it erased big data", "[store][big_data]") {
  Fixture<stores::DurableVfs> fixture;
  auto image = fixture.store.images().create({.id = "image"});
  auto const directory = fixture.graph() / "vfs-images/image";
  auto const is_flushed = [&] {
    leave_intent(fixture.graph(), IntentKind::image_data, "image", "a???");  // in a directory of its own
    bool const flushed = tools::flushes(
        directory, [&] { static_cast<void>(stores::DurableVfs(fixture.options()).images().list()); });
    CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
    return flushed;
  };
  image.big_data().set("a???", "text");
  image.big_data().erase("a???");
  CHECK(is_flushed());
  fs::create_directory((directory / big_data_file_name("a???")).parent_path());  // that process got less far
  CHECK(is_flushed());
  fs::remove_all(directory);
  CHECK_FALSE(is_flushed());
  fs::create_symlink("image", directory);  // leads to itself
  CHECK_FALSE(is_flushed());
  fs::remove(directory);
  fs::ofstream(directory) << "a file";
  CHECK_FALSE(is_flushed());
}

TEST_CASE("erased big data leaves the file that other big data is stored in, too", "[store][big_data]") {
  Fixture<stores::Vfs> fixture;
  with_each(fixture.store, [&](auto& item) {
    using Traits = typename std::remove_cvref_t<decltype(item)>::Traits;
    INFO(Traits::kind);
    item.big_data().set("a/", "text");
    item.big_data().set("a", "text");
    item.big_data().erase("a/");
    CHECK(item.big_data().names() == names::List{"a"});
    CHECK(item.big_data().get("a") == "text");
    auto const kind = detail::data_kind<Traits, typename Traits::Core>();
    leave_intent(fixture.graph(), kind, item.id().str(), "a/");
    CHECK_FALSE(stores::Vfs(fixture.options()).layers().list().empty());
    CHECK(item.big_data().get("a") == "text");
    item.big_data().erase("a");
    CHECK_FALSE(fs::exists(data_file(fixture, item, "a")));
  });
  CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
  CHECK(check(fixture.store).clean());
}

TEST_CASE("big data whose file cannot be removed stays as it is", "[store][big_data]") {
  Fixture<stores::Vfs> fixture;
  with_each(fixture.store, [&](auto& item) {
    item.big_data().set("key", "old");
    auto const file = data_file(fixture, item, "key");
    fs::remove(file);
    fs::create_directories(file / "below");
    CHECK(code_of([&] { item.big_data().erase("key"); }) == std::errc::is_a_directory);
    item.refresh();
    CHECK(item.big_data().names() == names::List{"key"});
    fs::remove_all(file);
    item.big_data().erase("key");  // there was no file: only the record changes
    CHECK(item.big_data().names().empty());
  });
  CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
}

TEST_CASE("big data stays if the record without it cannot be written", "[store][big_data]") {
  Fixture<Store<drivers::Vfs, FailingJson, durability::None>> fixture;
  with_each(fixture.store, [&](auto& item) {
    item.big_data().set("key", "old");
    FailingJson::armed = true;
    CHECK_THROWS_AS(item.big_data().erase("key"), std::bad_alloc);
    FailingJson::armed = false;
    item.refresh();
    CHECK(item.big_data().get("key") == "old");
    CHECK(item.big_data().names() == names::List{"key"});
  });
  CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
  CHECK(check(fixture.store).clean());
}

TEST_CASE("big data of items in read-only stores is not erased", "[store][big_data]") {
  Fixture<stores::Vfs> others;
  others.store.images().create({.id = "image"}).big_data().set("key", "text");
  testing::TempDir const directory;
  stores::Vfs store(
      {.graph_root = directory / "graph", .run_root = directory / "run", .image_stores = {others.graph()}});
  auto image = store.images().get("image");
  CHECK(code_of([&] { image.big_data().erase("key"); }) == Errc::store_read_only);
  CHECK(image.big_data().get("key") == "text");
}
