#include <strata/fs.hpp>
#include <strata/store/mount.hpp>
#include <strata/sys/mount.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <optional>

using namespace strata;
using stores::Fixture;
using stores::tar_of;

namespace {

/// Tells what it was asked to flush.
struct Telling : drivers::Vfs {
  using Vfs::Vfs;
  void unmount(LayerId const& id, Flush flush) {
    told.push_back(flush);
    Vfs::unmount(id, flush);
  }
  static inline std::vector<Flush> told = {};
};

/// Of the last mount that is given back, with `first` and `second` at once.
template <class Durability>
Flush flush_of(MountRequest const& first, MountRequest const& second) {
  using S = Store<Telling, serializers::Json, Durability>;
  Fixture<S> fixture;
  auto const layer = fixture.store.layers().create({.id = "one"});
  layer.mount(first).keep();
  layer.mount(second).keep();
  Telling::told.clear();
  S other(fixture.options());
  CHECK(other.layers().get("one").unmount());
  CHECK(Telling::told.empty());
  CHECK_FALSE(layer.unmount());
  REQUIRE(Telling::told.size() == 1);
  return Telling::told.front();
}

}  // namespace

TEMPLATE_TEST_CASE("mounts are counted across store objects", "[store][mount]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  TestType other(fixture.options());
  auto const layer =
      fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
  CHECK(layer.mount_count() == 0);
  {
    auto const first = layer.mount();
    auto const second = other.layers().get("one").mount();
    CHECK(first.path() == second.path());
    CHECK(layer.mount_count() == 2);
    CHECK(sys::read_file(first.path() / "file") == "content");
    CHECK(stores::code_of([&] { fixture.store.shutdown(); }) == Errc::layer_used_by_container);
  }
  CHECK(layer.mount_count() == 0);

  auto const kept = layer.mount().keep();
  CHECK(layer.mount_count() == 1);
  layer.mount().keep();
  CHECK(layer.unmount());
  CHECK_FALSE(layer.unmount());
  CHECK_FALSE(layer.unmount());  // not mounted: nothing happens
  layer.mount().keep();
  layer.mount().keep();
  CHECK_FALSE(layer.unmount({.force = true}));
  CHECK(layer.mount_count() == 0);
}

TEST_CASE("a mount point says what keeps it from being given back, its destructor cannot", "[store][mount]") {
  Fixture<stores::Vfs> fixture;
  auto const layer = fixture.store.layers().create({.id = "one"});
  auto mounted = layer.mount();
  mounted.unmount();
  CHECK(layer.mount_count() == 0);
  mounted.unmount();  // given back already: nothing happens
  CHECK(layer.mount_count() == 0);
  {
    auto const counts = fixture.directory.path() / "run/vfs-layers/mountpoints.json";
    auto damaged = layer.mount();
    auto const before = sys::read_file(counts);
    sys::replace_file(counts, "[");
    CHECK(stores::code_of([&] { damaged.unmount(); }) == Errc::corrupt_record);
    CHECK_FALSE(damaged);
    CHECK_NOTHROW(damaged.unmount());  // it is not this object's any more
    sys::replace_file(counts, before);
    auto unthrown = layer.mount();
    CHECK(unthrown);
    sys::replace_file(counts, "[");
    std::error_code error;
    unthrown.unmount(error);
    CHECK(error == Errc::corrupt_record);
    unthrown.unmount(error);
    CHECK_FALSE(error);
    CHECK_FALSE(unthrown);
    sys::replace_file(counts, before);
  }
  CHECK(layer.mount_count() == 1);
  CHECK_FALSE(layer.unmount());
}

TEST_CASE("what has lost its layer is not unmounted without a word, nor said to be mounted",
          "[store][mount]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const layer = store.layers().import(memory_source(tar_of({{"file", ""}})), {.id = "one"});
  auto const image = store.images().create({.id = "image", .top_layer = "one"});
  CHECK_FALSE(image.unmount());
  CHECK(image.mount_count() == 0);
  store.layers().remove("one", {.force = true});
  CHECK(stores::code_of([&] { image.unmount(); }) == Errc::layer_unknown);
  CHECK(stores::code_of([&] { layer.unmount(); }) == Errc::layer_unknown);
  CHECK(stores::code_of([&] { static_cast<void>(image.mount_count()); }) == Errc::layer_unknown);
  CHECK(stores::code_of([&] { static_cast<void>(layer.mount_count()); }) == Errc::layer_unknown);
}

TEST_CASE("the last unmount flushes unless durability is none", "[store][mount]") {
  MountRequest const written;
  MountRequest const read{.read_only = true};
  MountRequest const passing{.is_volatile = true};
  using durability::Full, durability::None;
  CHECK(flush_of<Full>(written, written) == Flush::full);
  CHECK(flush_of<Full>(read, written) == Flush::full);
  CHECK(flush_of<Full>(written, read) == Flush::full);
  CHECK(flush_of<Full>(passing, read) == Flush::full);  // which ones were volatile, the counts do not tell
  CHECK(flush_of<None>(written, written) == Flush::none);
}

TEST_CASE("a mount after a shutdown by another process is seen by the next opener", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  auto const layer =
      fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
  stores::Overlay(fixture.options()).shutdown();
  auto const path =
      layer.mount().keep();  // below the home's mount again, not below what the next one would cover
  stores::Overlay next(fixture.options());
  CHECK(sys::is_mount_point(path));
  CHECK(sys::read_file(path / "file") == "content");
  CHECK_FALSE(next.layers().get("one").unmount());
  CHECK_FALSE(sys::is_mount_point(path));
  CHECK_NOTHROW(next.layers().remove("one"));
}

TEST_CASE("volatile containers are mounted as volatile unless disabled", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  fixture.store.layers().import(memory_source(tar_of({{"file", "below"}})), {.id = "base"});
  fixture.store.images().create({.id = "image", .top_layer = "base"});
  fixture.store.containers().create("image", {.id = "box", .is_volatile = true});
  auto const is_volatile = [](stores::Overlay& store) {
    auto const mounted = store.containers().get("box").mount();
    auto const table = sys::read_file("/proc/self/mountinfo");
    auto const line = table.substr(table.find(' ' + mounted.path().native() + ' '));
    // ",volatile" or ",fsync=volatile", as kernels go
    return line.substr(0, line.find('\n')).find("volatile") != line.npos;
  };
  if (!is_volatile(fixture.store)) {
    WARN("skipped: no volatile mounts here");
    return;
  }
  auto options = fixture.options();
  options.disable_volatile = true;
  stores::Overlay careful(options);
  CHECK_FALSE(is_volatile(careful));
}

TEST_CASE("writes through a mount stay in the layer", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(tar_of({{"file", "below"}})), {.id = "base"});
  auto const image = store.images().create({.id = "image", .top_layer = "base"});
  auto const box = store.containers().create(image);
  {
    auto const mounted = box.mount();
    CHECK(sys::is_mount_point(mounted.path()));
    fs::ofstream(mounted.path() / "file") << "above";
  }
  {
    auto const mounted = box.mount();
    CHECK(sys::read_file(mounted.path() / "file") == "above");
    auto const below = image.mount();
    CHECK(sys::read_file(below.path() / "file") == "below");
    boost::system::error_code error;
    CHECK_FALSE(fs::create_directory(below.path() / "x", error));  // read-only
  }
}

TEST_CASE("removing a mounted container unmounts it", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const box = store.containers().create("");
  auto const path = box.mount().keep();
  store.containers().remove(box);
  CHECK_FALSE(fs::exists(path));
  CHECK(store.mounted_layers().empty());
}

TEST_CASE("a mount count from before a reboot is ignored", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  auto const layer = fixture.store.layers().create({.id = "one"});
  auto const path = layer.mount().keep();
  sys::unmount(path);
  auto const again = layer.mount();
  CHECK(sys::is_mount_point(again.path()));
  CHECK(layer.mount_count() == 1);
}

TEST_CASE("a store opened for reading reports mounts", "[store][mount]") {
  Fixture<stores::Overlay> fixture;
  auto const mounted = fixture.store.layers().create({.id = "one"}).mount();
  auto options = fixture.options();
  options.read_only = true;
  stores::Overlay reader(options);
  CHECK(reader.mounted_layers() == std::vector{LayerId("one")});
  CHECK(reader.layers().get("one").mount_count() == 1);
  CHECK(reader.layers().get("one").mounted_at() == mounted.path());
}

namespace {
/// Sees when a layer is taken away or exchanged whether anybody could mount it just then.
struct Watching : drivers::Vfs {
  using Vfs::Vfs;
  Trash remove(LayerId const& id) {
    could_mount = FileLock(lock).try_exclusive().has_value();
    return Vfs::remove(id);
  }
  void replace(LayerId const& id, Staged& staged) {
    could_mount = FileLock(lock).try_exclusive().has_value();
    Vfs::replace(id, staged);
  }
  static inline fs::path lock = {};
  static inline std::optional<bool> could_mount = {};
};
}  // namespace

TEST_CASE("a layer cannot be mounted while it is removed or its tree is replaced", "[store][mount]") {
  Fixture<Store<Watching, serializers::Json, durability::None>> fixture;
  Watching::lock = fixture.directory.path() / "run/vfs-layers/mountpoints.lock";
  fixture.store.layers().create({.id = "one"}).mount().keep();
  fixture.store.layers().remove("one");
  REQUIRE(Watching::could_mount);
  CHECK_FALSE(*Watching::could_mount);
  Watching::could_mount.reset();
  fixture.store.layers().create({.id = "two"}).apply(memory_source(tar_of({{"file", "x"}})));
  REQUIRE(Watching::could_mount);
  CHECK_FALSE(*Watching::could_mount);
  CHECK(FileLock(Watching::lock).try_exclusive());
  CHECK(fixture.store.mounted_layers().empty());
}

TEST_CASE("self-assignment of a mount point keeps the mount", "[store][mount]") {
  Fixture<stores::Vfs> fixture;
  auto const layer = fixture.store.layers().create({.id = "one"});
  auto mounted = layer.mount();
  auto& same = mounted;
  mounted = std::move(same);
  CHECK(layer.mount_count() == 1);
}
