#include <strata/drivers/any.hpp>
#include <strata/store/read_layer.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>
#include <ranges>

#include "stores.hpp"
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/xattr.h>
#include <type_traits>
#include <unistd.h>

using namespace strata;
using stores::code_of;
using stores::Fixture;

namespace {

template <class Item>
std::string paths_in(Item const& item) {
  std::string paths;
  for (auto const& entry : item.entries()) paths += entry.path + ' ';
  return paths;
}

std::string text_in(auto const& item, std::string_view path) {
  auto source = item.open(path);
  std::string text;
  for (Bytes part = source.next(); !part.empty(); part = source.next()) text += as_text(part);
  return text;
}

/// Drivers that cannot read by themselves, but mount, or not even that.
struct MountedOverlay : drivers::Overlay {
  using drivers::Overlay::Overlay;
  std::optional<LayerTree> read_tree(LayerId const&, ReadMaps const&) const { return std::nullopt; }
};
struct BlindMemory : drivers::Memory {
  using drivers::Memory::Memory;
  std::optional<LayerTree> read_tree(LayerId const&, ReadMaps const&) const { return std::nullopt; }
};

using AnyVfs = Store<drivers::Any, serializers::Json, durability::None>;
using Mounting = Store<MountedOverlay, serializers::Json, durability::None>;
using Blind = Store<BlindMemory, serializers::Json, durability::None>;

}  // namespace

TEMPLATE_TEST_CASE("files of layers, images and containers are read without a mount", "[store][layer_tree]",
                   stores::Vfs, stores::Overlay, stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto base = store.layers().import(
      memory_source(stores::tar_of({{"d/", ""}, {"d/file", "lower"}, {"d/gone", "1"}})), {.id = "base"});
  auto top = store.layers().import(memory_source(stores::tar_of({{"d/.wh.gone", ""}, {"d/new", "upper"}})),
                                   {.id = "top", .parent = "base"});
  auto const image = store.images().create({.id = "image", .top_layer = "top"});
  auto const box = store.containers().create(image, {.id = "box"});
  CHECK(paths_in(base) == "/d /d/file /d/gone ");
  CHECK(paths_in(top) == "/d /d/file /d/new ");
  CHECK(paths_in(image) == "/d /d/file /d/new ");
  CHECK(paths_in(box) == "/d /d/file /d/new ");
  CHECK(text_in(top, "d/file") == "lower");
  CHECK(text_in(image, "/d/new") == "upper");
  CHECK(code_of([&] { static_cast<void>(top.open("d/gone")); }) == Errc::data_unknown);
  auto entries = top.entries();
  auto files = entries | std::views::filter([](LayerEntry const& entry) { return entry.size == 5; });
  CHECK(std::ranges::distance(files.begin(), files.end()) == 2);
  auto const none = store.images().create({.id = "none"});
  CHECK(code_of([&] { static_cast<void>(none.tree()); }) == Errc::layer_unknown);
  if constexpr (MountDriver<typename std::remove_cvref_t<decltype(store.core())>::Driver>) {
    CHECK(top.mount_count() == 0);
    {
      auto root = box.mount();
      fs::ofstream(root.path() / "d/written") << "here";
      CHECK(text_in(box, "d/written") == "here");
    }
    CHECK(paths_in(box) == "/d /d/file /d/new /d/written ");
  }
  auto const tree = top.tree();
  store.containers().remove("box");
  store.images().remove("image");
  CHECK(code_of([&] { static_cast<void>(top.tree()); }) == Errc::layer_unknown);
}

TEST_CASE("files are read through a read-only mount if the driver cannot", "[store][layer_tree]") {
  if (::geteuid() != 0) {
    WARN("skipped: mounting needs root");
    return;
  }
  Fixture<Mounting> fixture;
  auto& store = fixture.store;
  auto layer = store.layers().import(
      memory_source(stores::tar_of({{"d/", ""}, {"d/file", std::string(300'000, 'x')}})), {.id = "base"});
  std::optional<Source> left;
  {
    auto const tree = layer.tree();
    CHECK(layer.mount_count() == 1);
    std::string paths;
    for (auto const& entry : tree.entries()) paths += entry.path + ' ';
    CHECK(paths == "/d /d/file ");
    left = tree.open("d/file");
    CHECK(code_of([&] { static_cast<void>(tree.open("none")); }) == Errc::data_unknown);
  }
  CHECK(layer.mount_count() == 1);
  std::size_t size = 0;
  for (Bytes part = left->next(); !part.empty(); part = left->next()) size += part.size();
  CHECK(size == 300'000);
  left.reset();
  CHECK(layer.mount_count() == 0);
  CHECK_FALSE(layer.mounted_at());
  CHECK(paths_in(layer) == "/d /d/file ");
  CHECK(layer.mount_count() == 0);
}

TEST_CASE("a container that is read through a mount can be mounted and written to", "[store][layer_tree]") {
  if (::geteuid() != 0) {
    WARN("skipped: mounting needs root");
    return;
  }
  testing::TempDir const directory;
  stores::Overlay store({.graph_root = directory / "graph",
                         .run_root = directory / "run",
                         .driver = {.mountopt = "redirect_dir=on"}});  // directories do not tell everything
  store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "text"}})), {.id = "base"});
  auto const box =
      store.containers().create(store.images().create({.id = "image", .top_layer = "base"}), {.id = "box"});
  std::optional<LayerTree> tree = box.tree();
  CHECK(box.mount_count() == 0);
  {
    auto root = box.mount();
    fs::ofstream(root.path() / "new") << "1";
    fs::rename(root.path() / "d", root.path() / "e");
    CHECK(paths_in(box) == "/e /e/file /new ");
    CHECK(box.mount_count() == 1);
  }
  CHECK(box.mount_count() == 0);
  CHECK(paths_in(box) == "/e /e/file /new ");
  CHECK(text_in(box, "e/file") == "text");
  tree.reset();
  for (auto const& at : sys::mounts())
    CHECK(at.point.native().find((directory / "run").native()) == std::string::npos);
  store.shutdown({.force = true});
}

TEST_CASE("a driver that neither reads nor mounts says so", "[store][layer_tree]") {
  Fixture<Blind> fixture;
  auto const layer = fixture.store.layers().create({.id = "base"});
  CHECK(code_of([&] { static_cast<void>(layer.tree()); }) == Errc::unsupported);
}

TEST_CASE("entries whose first could not be read begin with the next", "[store][layer_tree]") {
  struct Walk final : LayerEntries::Walk {
    int calls = 0;
    bool next(LayerEntry& to) override {
      if (++calls == 1) throw Error(Errc::stopped, "the first");
      to.path = "/" + std::to_string(calls);
      return calls < 3;
    }
  };
  LayerEntries entries(std::make_unique<Walk>());
  CHECK(code_of([&] { static_cast<void>(entries.begin()); }) == Errc::stopped);
  CHECK(entries.begin()->path == "/2");
  CHECK(entries.begin()->path == "/2");
}

TEST_CASE("a driver chosen at run time reads as it does itself", "[store][layer_tree]") {
  testing::TempDir const directory;
  AnyVfs store({.graph_root = directory / "graph", .run_root = directory / "run", .driver = {.name = "vfs"}});
  auto const layer = store.layers().import(memory_source(stores::tar_of({{"file", "text"}})), {.id = "base"});
  CHECK(paths_in(layer) == "/file ");
  CHECK(text_in(layer, "file") == "text");
  CHECK(layer.mount_count() == 0);
}

TEST_CASE("what overlayfs redirects is not read wrongly", "[store][layer_tree]") {
  if (::geteuid() != 0) {
    WARN("skipped: the attributes need root");
    return;
  }
  Fixture<stores::Overlay> fixture;
  auto const layer = fixture.store.layers().import(
      memory_source(stores::tar_of({{"d/", ""}, {"d/in", "1"}, {"file", "text"}, {"other", "2"}})),
      {.id = "base"});
  auto const marks = archive::OverlayXattr::here();
  auto const diff = fixture.graph() / "overlay/base/diff";
  REQUIRE(::setxattr((diff / "file").c_str(), marks.metacopy(), "", 0, 0) == 0);
  CHECK(code_of([&] { static_cast<void>(layer.open("file")); }) == Errc::unsupported);
  CHECK(text_in(layer, "d/in") == "1");
  CHECK(paths_in(layer) == "/d /d/in /file /other ");
  REQUIRE(::setxattr((diff / "d").c_str(), marks.redirect(), "old", 3, 0) == 0);
  CHECK(code_of([&] { static_cast<void>(layer.open("d/in")); }) == Errc::unsupported);
  CHECK(code_of([&] { paths_in(layer); }) == Errc::unsupported);
  CHECK(text_in(layer, "other") == "2");
}

TEMPLATE_TEST_CASE("owners are those of the archive, whatever the layer's id maps", "[store][layer_tree]",
                   stores::Vfs, stores::Overlay) {
  if (::geteuid() != 0) {
    WARN("skipped: giving files away needs root");
    return;
  }
  ::setenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP", "yes", 1);  // else overlay stores host ids
  {
    Fixture<TestType> fixture;
    IdMap const ids{{0, 100000, 1000}};
    std::string tar;
    Sink sink = string_sink(tar);
    archive::TarWriter writer(sink);
    writer.add({.name = "owned", .mode = 0600, .uid = 5, .gid = 6});
    writer.finish();
    auto const layer = fixture.store.layers().import(memory_source(tar), {.id = "base", .maps = {ids, ids}});
    auto entries = layer.entries();
    auto const& entry = *entries.begin();
    CHECK(entry.path == "/owned");
    CHECK(entry.uid == 5);
    CHECK(entry.gid == 6);
    CHECK(entry.mode == 0600);
  }
  ::unsetenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP");
}

TEST_CASE("owners of what a container wrote are its ids, too", "[store][layer_tree]") {
  if (::geteuid() != 0) {
    WARN("skipped: mounting needs root");
    return;
  }
  for (std::string const mountopt : {"", "redirect_dir=on"}) {  // read from directories, and from a mount
    INFO(mountopt);
    testing::TempDir const directory;
    stores::Overlay store(
        {.graph_root = directory / "graph", .run_root = directory / "run", .driver = {.mountopt = mountopt}});
    IdMap const ids{{0, 100000, 1000}};
    std::string tar;
    Sink sink = string_sink(tar);
    archive::TarWriter writer(sink);
    writer.add({.name = "below", .mode = 0600, .uid = 5, .gid = 6});
    writer.finish();
    store.layers().import(memory_source(tar), {.id = "base"});
    auto const image = store.images().create({.id = "image", .top_layer = "base"});
    auto const box = store.containers().create(image, {.id = "box", .maps = {ids, ids}});
    auto const owners = [&] {
      std::string text;
      for (auto const& entry : box.entries())
        text += entry.path + ' ' + std::to_string(entry.uid) + ':' + std::to_string(entry.gid) + ' ';
      return text;
    };
    {
      auto const root = box.mount();
      fs::ofstream(root.path() / "new") << "1";
      REQUIRE(::lchown((root.path() / "new").c_str(), 100007, 100008) == 0);
      CHECK(owners() == "/below 5:6 /new 7:8 ");
    }
    CHECK(owners() == "/below 5:6 /new 7:8 ");
    store.shutdown({.force = true});
  }
}

TEMPLATE_TEST_CASE("files of layers in read-only stores are read, too", "[store][layer_tree]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> others;
  others.store.layers().import(memory_source(stores::tar_of({{"file", "text"}})), {.id = "base"});
  others.store.images().create({.id = "image", .top_layer = "base"});
  testing::TempDir const directory;
  TestType store(
      {.graph_root = directory / "graph", .run_root = directory / "run", .image_stores = {others.graph()}});
  CHECK(text_in(store.images().get("image"), "file") == "text");
  auto const over =
      store.layers().import(memory_source(stores::tar_of({{"more", "1"}})), {.id = "over", .parent = "base"});
  CHECK(paths_in(over) == "/file /more ");
  store.shutdown({.force = true});
}
