#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/store/auto_userns.hpp>
#include <strata/store/mapped_layer.hpp>
#include <strata/store/parent_owners.hpp>
#include <strata/testing/id_map_suite.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "stores.hpp"
#include <cstdlib>
#include <optional>
#include <stop_token>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fs = boost::filesystem;
using namespace strata;

namespace {

IdMaps const high{.uids = {{0, 100000, 65536}}, .gids = {{0, 200000, 65536}}};
IdMaps const shifted{.uids = {{0, 300000, 1000}, {1000, 500000, 64536}}, .gids = {{0, 300000, 65536}}};

/// A file of 5:6 in a directory of root's.
std::string owned_tar(std::int64_t uid = 5, std::int64_t gid = 6, std::string const& directory = "d") {
  std::string out;
  Sink sink = string_sink(out);
  archive::TarWriter writer(sink);
  writer.add({.name = directory + "/", .type = archive::EntryType::directory, .mode = 0755});
  archive::TarHeader file{.name = directory + "/file", .mode = 0644, .uid = uid, .gid = gid};
  file.size = 4;
  Source body = memory_source(std::string("text"));
  writer.add(file, &body);
  writer.finish();
  return out;
}

struct stat status_of(fs::path const& path) {
  struct stat status {};
  INFO(path);
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

void check_owner(fs::path const& path, std::int64_t uid, std::int64_t gid) {
  auto const status = status_of(path);
  CHECK(status.st_uid == uid);
  CHECK(status.st_gid == gid);
}

bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("skipped: giving files away needs root");
  return false;
}

/// While it lives, overlay stores owners instead of mapping mounts.
struct NoMappedMounts {
  NoMappedMounts() { ::setenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP", "yes", 1); }
  ~NoMappedMounts() { ::unsetenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP"); }
};

auto image_with(auto& store) {
  store.layers().import(memory_source(owned_tar()), {.id = "base"});
  return store.images().create({.id = "image", .top_layer = "base"});
}

/// Containers of one image with and without maps, in a store whose mounts cannot map.
void check_stored(auto& store) {
  image_with(store);
  auto const first = store.containers().create("image", {.id = "first", .maps = high});
  auto const second = store.containers().create("image", {.id = "second", .maps = high});
  auto const third = store.containers().create("image", {.id = "third", .maps = shifted});
  auto const plain = store.containers().create("image", {.id = "plain"});
  auto const copies = store.images().get("image").record().mapped_top_layers;
  REQUIRE(copies.size() == 2);
  CHECK(first.layer().parent()->id().str() == copies[0]);
  CHECK(second.layer().parent()->id().str() == copies[0]);
  CHECK(third.layer().parent()->id().str() == copies[1]);
  CHECK(plain.layer().parent()->id().str() == "base");
  CHECK(maps_of(first.record()) == high);
  CHECK(maps_of(first.layer().record()) == high);
  CHECK(maps_of(third.layer().record()) == shifted);
  CHECK(plain.record().uidmap.empty());
  check_owner(first.mount().path() / "d/file", 100005, 200006);
  check_owner(third.mount().path() / "d/file", 300005, 300006);
  check_owner(plain.mount().path() / "d/file", 5, 6);
  auto const copy = store.layers().get(copies[0]);
  CHECK(copy.record().diff_digest == store.layers().get("base").record().diff_digest);
  CHECK(stores::diff_of(copy) == owned_tar());
  CHECK(copy.changes().size() == store.layers().get("base").changes().size());

  for (auto const* id : {"first", "second", "third", "plain"}) store.containers().remove(id);
  store.layers().remove(copies[1]);
  CHECK(store.images().get("image").record().mapped_top_layers == std::vector{copies[0]});
  store.images().remove("image");
  CHECK(store.layers().list().empty());
}

}  // namespace

TEST_CASE("a store on vfs keeps an id-mapped copy of an image's top layer for each map", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  check_stored(fixture.store);
}

TEST_CASE("a store on overlay keeps id-mapped copies where mounts cannot be mapped", "[store][idmap]") {
  if (!is_root()) return;
  NoMappedMounts const without;
  stores::Fixture<stores::Overlay> fixture;
  check_stored(fixture.store);
}

namespace {

/// An image whose two layers are stored with different maps is mounted with the host's ids.
void check_image_mount(auto& store, bool with_env) {
  {
    NoMappedMounts const without;
    store.layers().import(memory_source(owned_tar()),
                          {.id = "low", .maps = {.uids = high.uids, .gids = high.gids}});
    store.layers().import(
        memory_source(owned_tar(5, 6, "upper")),
        {.id = "top", .parent = "low", .maps = {.uids = shifted.uids, .gids = shifted.gids}});
  }
  REQUIRE(maps_of(store.layers().get("low").record()) == high);
  REQUIRE(maps_of(store.layers().get("top").record()) == shifted);
  auto const image = store.images().create({.id = "image", .top_layer = "top"});
  std::optional<NoMappedMounts> without;
  if (with_env) without.emplace();
  for (int i = 0; i < 2; ++i) {  // the second finds what the first made
    auto const mount = image.mount();
    check_owner(mount.path() / "d/file", 5, 6);
    check_owner(mount.path() / "upper/file", 5, 6);
    check_owner(mount.path() / "d", 0, 0);
    check_owner(mount.path() / "upper", 0, 0);
    CHECK(image.mount_count() == 1);
    CHECK(image.mounted_at() == mount.path());
  }
  CHECK(image.mount_count() == 0);
  auto const copies = store.images().get("image").record().mapped_top_layers;
  REQUIRE(copies.size() == 1);
  CHECK(maps_of(store.layers().get(copies[0]).record()).empty());
  check_owner(store.layers().get("top").mount({.read_only = true}).path() / "d", 300000, 300000);
  CHECK(check(store).clean());
  CHECK(store.images().remove("image").size() == 3);
}

}  // namespace

TEST_CASE("an image is mounted with host ids, whatever maps its layers have", "[store][idmap]") {
  if (!is_root()) return;
  bool const with_env = GENERATE(false, true);
  CAPTURE(with_env);
  SECTION("overlay") {
    stores::Fixture<stores::Overlay> fixture;
    check_image_mount(fixture.store, with_env);
  }
  SECTION("vfs") {
    stores::Fixture<stores::Vfs> fixture;
    check_image_mount(fixture.store, with_env);
  }
}

TEST_CASE("an id-mapped copy in use outlives its image, with the layer it was made from", "[store][idmap]") {
  if (!is_root()) return;
  NoMappedMounts const without;
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  image_with(store);
  store.containers().create("image", {.id = "box", .maps = high});
  auto const copies = store.images().get("image").record().mapped_top_layers;
  REQUIRE(copies.size() == 1);
  auto const child = store.layers().create({.id = "child", .parent = LayerId(copies[0])});
  store.containers().remove("box");
  CHECK(store.images().remove("image").empty());
  CHECK(store.layers().exists(copies[0]));
  REQUIRE(store.layers().exists("base"));  // the lowest that the copy shows
  check_owner(child.mount().path() / "d/file", 100005, 200006);
}

TEST_CASE("where mounts can be mapped, layers are shared and only the container has maps", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  image_with(store);
  auto const box = store.containers().create("image", {.id = "box", .maps = high});
  if (!store.images().get("image").record().mapped_top_layers.empty()) return;  // an older kernel
  CHECK(maps_of(box.record()) == high);
  CHECK(maps_of(box.layer().record()).empty());
  CHECK(box.layer().parent()->id().str() == "base");
  {
    auto const mount = box.mount();
    check_owner(mount.path() / "d/file", 100005, 200006);
    check_owner(mount.path(), 100000, 200000);
    CHECK(box.parent_owners().uids.empty());
  }
  auto const layer = store.layers().create({.id = "layer", .maps = {.uids = high.uids, .gids = high.gids}});
  CHECK(maps_of(layer.record()).empty());
  NoMappedMounts const without;
  CHECK(stores::code_of([&] { static_cast<void>(box.mount()); }) == Errc::cannot_shift);
}

TEST_CASE("layers have the requested maps or those of their parent", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const base = store.layers().import(memory_source(owned_tar()),
                                          {.id = "base", .maps = {.uids = high.uids, .gids = high.gids}});
  CHECK(maps_of(base.record()) == high);
  CHECK(base.record().uidset == std::vector<std::uint32_t>{0, 5});
  CHECK(maps_of(store.layers().create({.id = "child", .parent = "base"}).record()) == high);
  auto const half =
      store.layers().create({.id = "half", .parent = "base", .maps = {.uids = shifted.uids, .gids = {}}});
  CHECK(half.record().uidmap == shifted.uids);
  CHECK(half.record().gidmap == high.gids);
  auto const host =
      store.layers().create({.id = "host", .parent = "base", .maps = {.uids = IdMap(), .gids = IdMap()}});
  CHECK(maps_of(host.record()).empty());
  check_owner(base.mount().path() / "d/file", 100005, 200006);
  check_owner(half.mount().path() / "d/file", 300005, 200006);
  check_owner(host.mount().path() / "d/file", 5, 6);
  CHECK(host.changes().empty());
  CHECK(half.changes().empty());

  auto applied = store.layers().get("child");
  applied.apply(memory_source(owned_tar(7, 8)));
  check_owner(applied.mount().path() / "d/file", 100007, 200008);
  CHECK(stores::diff_of(applied) == owned_tar(7, 8));
}

TEST_CASE("owners outside the maps and invalid maps are refused and leave nothing", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  image_with(store);
  IdMap const few{{0, 100000, 3}};
  IdMaps const overlapping{.uids = {{0, 1000, 10}, {5, 5000, 10}}};
  CHECK(stores::code_of([&] {
          store.layers().import(memory_source(owned_tar()), {.id = "x", .maps = {.uids = few, .gids = few}});
        }) == Errc::invalid_mappings);
  CHECK(stores::code_of([&] { store.containers().create("image", {.id = "x", .maps = overlapping}); }) ==
        Errc::invalid_mappings);
  CHECK(stores::code_of([&] { store.layers().create({.id = "x", .maps = {.uids = overlapping.uids}}); }) ==
        Errc::invalid_mappings);
  std::stop_source stop;
  stop.request_stop();
  CHECK(stores::code_of([&] {
          store.containers().create("image", {.id = "x", .maps = high, .stop = stop.get_token()});
        }) == Errc::stopped);
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"base"});
  CHECK(store.images().get("image").record().mapped_top_layers.empty());
}

TEST_CASE("a driver without support for id maps refuses them", "[store][idmap]") {
  stores::Fixture<stores::Journal> fixture;
  auto& store = fixture.store;
  CHECK(stores::code_of([&] { store.layers().create({.maps = {.uids = high.uids}}); }) == Errc::unsupported);
  CHECK(stores::code_of([&] { store.containers().create("", {.maps = high}); }) == Errc::unsupported);
  CHECK_NOTHROW(store.containers().create(""));
}

TEST_CASE("two containers created at once share one id-mapped copy", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  image_with(store);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] { store.containers().create("image", {.maps = high}); });
  }
  CHECK(store.containers().list().size() == 4);
  CHECK(store.images().get("image").record().mapped_top_layers.size() == 1);
  CHECK(store.layers().list().size() == 6);
}

TEST_CASE("a mounted layer with maps reports the owners of the directories above it", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const plain = store.layers().create({.id = "plain"});
  CHECK(plain.parent_owners().uids.empty());
  auto const mapped = store.layers().create({.id = "mapped", .maps = {.uids = high.uids, .gids = {}}});
  CHECK(stores::code_of([&] { static_cast<void>(mapped.parent_owners()); }) == Errc::layer_not_mounted);
  auto const mount = mapped.mount();
  auto const owners = mapped.parent_owners();
  CHECK(owners.uids == std::set<std::int64_t>{0});
  CHECK(owners.gids.empty());
}

TEST_CASE("automatic maps are as large as the image needs and do not overlap", "[store][idmap]") {
  if (!is_root()) return;
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const subids = fixture.directory.path() / "subids";
  fs::ofstream(subids) << "boxes:100000:3000\nelse:1:1\nboxes:200000:10000\n";
  AutoUserns wanted{.user = "boxes", .subuid_file = subids, .subgid_file = subids};

  store.layers().import(memory_source(stores::tar_of(
                            {{"etc/", ""},
                             {"etc/passwd", "root:x:0:0::/:\nu:x:1234:1700::/:\nnobody:x:60000:60000::/:\n"},
                             {"etc/group", "root:x:0:\ng:x:1800:\nnogroup:x:65534:\nbad\n"}})),
                        {.id = "base"});
  store.images().create({.id = "image", .top_layer = "base"});
  store.containers().create("image", {.id = "fixed", .maps = {.uids = {{0, 100000, 10}}, .gids = {}}});

  auto const box = store.containers().create("image", {.id = "box", .auto_userns = wanted});
  CHECK(box.record().uidmap == IdMap{{0, 100010, 1801}});
  CHECK(box.record().gidmap == IdMap{{0, 100000, 1801}});
  // What is left of the first range, and then the second.
  auto const split = store.containers().create("image", {.id = "split", .auto_userns = wanted});
  CHECK(split.record().uidmap == IdMap{{0, 101811, 1189}, {1189, 200000, 612}});
  CHECK(split.record().gidmap == IdMap{{0, 101801, 1199}, {1199, 200000, 602}});

  auto least = wanted;
  least.min_size = 2000;
  least.additional = {.uids = {{100, 201000, 1}}, .gids = {}};
  auto const more = store.containers().create("image", {.id = "more", .auto_userns = least});
  CHECK(more.record().uidmap ==
        IdMap{{0, 200612, 100}, {101, 200712, 288}, {389, 201001, 1611}, {100, 201000, 1}});

  auto tight = wanted;
  tight.max_size = 1500;
  CHECK(stores::code_of([&] { store.containers().create("image", {.auto_userns = tight}); }) ==
        Errc::invalid_mappings);
  auto huge = wanted;
  huge.size = 20000;
  CHECK(stores::code_of([&] { store.containers().create("image", {.auto_userns = huge}); }) ==
        Errc::no_available_ids);
  auto nobody = wanted;
  nobody.user = "nobody-has-ids";
  CHECK(stores::code_of([&] { store.containers().create("image", {.auto_userns = nobody}); }) ==
        Errc::no_available_ids);
  CHECK(store.containers().list().size() == 4);

  store.containers().remove("box");
  auto given = wanted;
  given.size = 5;
  CHECK(store.containers().create("image", {.auto_userns = given}).record().uidmap == IdMap{{0, 100010, 5}});
}

namespace {

template <class Driver>
struct WithDefaultMaps {
  ~WithDefaultMaps() { store.shutdown({.force = true}); }
  testing::TempDir dir;
  Store<Driver, serializers::Json, durability::None> store{
      {.graph_root = dir / "graph", .run_root = dir / "run", .default_maps = high}};
};

}  // namespace

TEST_CASE("default maps apply to layers without a parent and containers without an image", "[store][idmap]") {
  if (!is_root()) return;
  WithDefaultMaps<drivers::Vfs> fixture;
  auto& store = fixture.store;
  auto const maps = [&](std::string const& id) { return maps_of(store.layers().get(id).record()); };
  store.layers().import(memory_source(owned_tar()), {.id = "base"});
  store.layers().create({.id = "child", .parent = "base"});
  store.layers().create({.id = "host", .maps = {.uids = IdMap{}, .gids = IdMap{}}});
  store.layers().create({.id = "host_child", .parent = "host"});
  store.layers().create({.id = "mixed", .maps = {.uids = shifted.uids, .gids = {}}});
  store.layers().stage().commit({.id = "staged"});
  CHECK(maps("base") == high);
  CHECK(maps("child") == high);
  CHECK(maps("host").empty());
  CHECK(maps("host_child").empty());
  CHECK(maps("mixed") == IdMaps{.uids = shifted.uids, .gids = high.gids});
  CHECK(maps("staged") == high);
  check_owner(store.layers().get("base").mount().path() / "d/file", 100005, 200006);
  CHECK(stores::diff_of(store.layers().get("base")) == owned_tar());

  auto const layer_maps = [](auto const& container) {
    CHECK(maps_of(container.record()).empty());
    return maps_of(container.layer().record());
  };
  store.images().create({.id = "image", .top_layer = "base"});
  store.images().create({.id = "empty"});
  CHECK(layer_maps(store.containers().create("", {.id = "alone"})) == high);
  CHECK(layer_maps(store.containers().create("", {.id = "half", .host_uids = true})) ==
        IdMaps{.uids = {}, .gids = high.gids});
  CHECK(layer_maps(store.containers().create("", {.id = "none", .host_uids = true, .host_gids = true}))
            .empty());
  CHECK(layer_maps(store.containers().create("empty")).empty());
  // One that has the host's ids cannot use the files of an image that has others: it stands on a copy.
  auto const box = store.containers().create("image", {.id = "box"});
  CHECK(layer_maps(box).empty());
  CHECK(box.layer().parent()->id().str() != "base");
  check_owner(box.mount().path() / "d/file", 5, 6);
}

TEST_CASE("default maps are applied to files only where mounts cannot be mapped", "[store][idmap]") {
  if (!is_root()) return;
  {
    NoMappedMounts const without;
    WithDefaultMaps<drivers::Overlay> fixture;
    auto const base = fixture.store.layers().import(memory_source(owned_tar()), {.id = "base"});
    CHECK(maps_of(base.record()) == high);
    check_owner(fixture.dir / "graph/overlay/base/diff/d/file", 100005, 200006);
  }
  WithDefaultMaps<drivers::Overlay> fixture;
  auto const base = fixture.store.layers().import(memory_source(owned_tar()), {.id = "base"});
  if (maps_of(base.record()) == high) return;  // an older kernel
  CHECK(maps_of(base.record()).empty());
  check_owner(fixture.dir / "graph/overlay/base/diff/d/file", 5, 6);
}
