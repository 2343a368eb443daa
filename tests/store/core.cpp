#include <strata/fs.hpp>
#include <strata/store/core.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <atomic>
#include <chrono>
#include <thread>

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEST_CASE("a store needs both roots", "[store][core]") {
  testing::TempDir directory;
  CHECK(code_of([&] { stores::Vfs({.graph_root = directory.path() / "g", .run_root = {}}); }) ==
        Errc::incomplete_options);
  CHECK(code_of([&] { stores::Vfs({.graph_root = {}, .run_root = directory.path() / "r"}); }) ==
        Errc::incomplete_options);
  CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("a store opens only with the serializer and the driver that wrote it", "[store][core]") {
  using VfsJournal = Store<drivers::Vfs, serializers::Journal, durability::None>;
  testing::TempDir directory;
  auto const options = [&]<class S>(std::in_place_type_t<S>) {
    return typename S::Options{.graph_root = directory.path() / "g", .run_root = directory.path() / "r"};
  };
  SECTION("the journal's") {
    stores::Journal(options(std::in_place_type<stores::Journal>)).layers().create();
    CHECK(code_of([&] { stores::Vfs(options(std::in_place_type<stores::Vfs>)); }) == Errc::store_mismatch);
    CHECK(code_of([&] {
            static_cast<void>(VfsJournal(options(std::in_place_type<VfsJournal>)).layers().list());
          }) == Errc::store_mismatch);
    stores::Journal(options(std::in_place_type<stores::Journal>));
  }
  SECTION("Podman's") {
    stores::Vfs(options(std::in_place_type<stores::Vfs>));
    CHECK(code_of([&] { VfsJournal(options(std::in_place_type<VfsJournal>)); }) == Errc::store_mismatch);
  }
}

TEST_CASE("a store opened for reading changes nothing", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  auto made = fixture.store.layers().import(memory_source(stores::tar_of({{"file", "x"}})),
                                            {.id = "one", .names = {"n"}});
  auto options = fixture.options();
  options.read_only = true;
  auto const before = stores::files_below(fixture.graph());
  stores::Vfs store(options);
  CHECK(store.layers().get("n").id().str() == "one");
  CHECK(stores::diff_of(store.layers().get("one")) == stores::diff_of(made));
  CHECK(code_of([&] { store.layers().create(); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.layers().get("one").add_names({"x"}); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.layers().remove("one"); }) == Errc::store_read_only);
  CHECK(stores::files_below(fixture.graph()) == before);
  CHECK(store.layers().get("one").names() == names::List{"n"});
}

TEST_CASE("a record file that cannot be parsed is reported by name and not overwritten", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().create({.id = "one"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  fs::ofstream(file) << R"([{"id":"one"},{"id":)";
  auto const broken = sys::read_file(file);
  try {
    static_cast<void>(fixture.store.layers().list());
    FAIL("read a broken file");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_record);
    CHECK(std::string(error.what()).find(file.native()) != std::string::npos);
  }
  CHECK(code_of([&] { fixture.store.layers().create({.id = "two"}); }) == Errc::corrupt_record);
  CHECK(sys::read_file(file) == broken);
  CHECK(fixture.store.images().list().empty());  // the other kinds are none the worse for it
}

TEST_CASE("one unreadable record is kept and does not affect the others", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().create({.id = "good", .names = {"name"}});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(1, R"({"id":17,"what":"ever"},"word",)");
  fs::ofstream(file) << text;
  CHECK(fixture.store.layers().get("name").id().str() == "good");
  fixture.store.layers().create({.id = "new"});
  auto const after = sys::read_file(file);
  CHECK(after.find(R"({"id":17,"what":"ever"})") != std::string::npos);
  CHECK(after.find(R"("word")") != std::string::npos);
}

TEST_CASE("unknown keys and files survive changes", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  auto layer = fixture.store.layers().create({.id = "one"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(text.size() - 2, R"(,"from-the-future":{"a":[1,2.50,null]},"toc-digest":"sha256:x")");
  fs::ofstream(file) << text;
  fs::ofstream(fixture.graph() / "defaultNetworkBackend") << "netavark";
  layer.add_names({"name"});
  auto const after = sys::read_file(file);
  CHECK(after.find(R"("from-the-future":{"a":[1,2.50,null]})") != std::string::npos);
  CHECK(after.find(R"("toc-digest":"sha256:x")") != std::string::npos);
  CHECK(fs::exists(fixture.graph() / "defaultNetworkBackend"));
}

TEST_CASE("a record whose id could name another item's directory does no harm", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().create({.id = "good"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(1, R"({"id":"../../victim","names":["bad"],"created":"2026-01-01T00:00:00Z"},)");
  fs::ofstream(file) << text;
  fs::create_directories(fixture.graph() / "victim");
  fs::ofstream(fixture.graph() / "victim/file") << "x";
  CHECK(code_of([&] { fixture.store.layers().remove("bad"); }));
  CHECK(fs::exists(fixture.graph() / "victim/file"));
  CHECK(fixture.store.layers().get("good").id().str() == "good");
}

TEST_CASE("leftovers of dead processes are collected when a store is opened", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  auto const trash = fixture.graph() / "vfs-layers/tmp";
  fs::create_directories(trash / "temp-dir-123/0-addition");
  fs::ofstream(trash / "lock-123") << "";
  fs::create_directories(fixture.graph() / "vfs/tempdirs/temp-dir-9/0-addition");
  stores::Vfs again(fixture.options());
  CHECK(fs::is_empty(trash));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/tempdirs/temp-dir-9"));
}

TEST_CASE("files without a record do not block their id", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fs::create_directories(fixture.graph() / "vfs/dir/one/stale");
  fs::ofstream(fixture.graph() / "vfs-layers/one.tar-split.gz") << "junk";
  auto const layer = fixture.store.layers().create({.id = "one"});
  CHECK(layer.changes().empty());
  CHECK(stores::diff_of(layer) == std::string(1024, '\0'));
}

TEST_CASE("a layer that a dead process was creating or removing is removed at the next access to layers",
          "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().create({.id = "kept"});
  auto const note = [&](std::string const& number, std::string const& id) {
    auto const temp = fixture.graph() / "vfs-layers/tmp" / ("temp-dir-" + number);
    fs::create_directories(temp);
    fs::ofstream(temp / ("0-note-" + id)) << "";
    fs::ofstream(fixture.graph() / "vfs-layers/tmp" / ("lock-" + number)) << "";
  };
  fs::create_directories(fixture.graph() / "vfs/dir/lost/some");
  fs::ofstream(fixture.graph() / "vfs-layers/lost.tar-split.gz") << "whole or not";
  note("1", "layer-lost");
  note("2", "layer-kept");
  note("3", "layer-never-came-so-far");
  note("4", "of another release");
  stores::Vfs again(fixture.options());
  CHECK(stores::ids(again.layers().list()) == std::vector<std::string>{"kept"});
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/dir/lost"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-layers/lost.tar-split.gz"));
  CHECK(fs::exists(fixture.graph() / "vfs/dir/kept"));
  CHECK(fs::is_empty(fixture.graph() / "vfs-layers/tmp"));
}

TEST_CASE("intent records survive a process that does not access layers", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  auto const temp = fixture.graph() / "vfs-layers/tmp/temp-dir-1";
  fs::create_directories(temp);
  fs::ofstream(temp / "0-note-layer-lost") << "";
  fs::create_directories(fixture.graph() / "vfs/dir/lost/some");
  {
    stores::Vfs other(fixture.options());
    CHECK(other.images().list().empty());
  }
  CHECK(fs::exists(temp / "0-note-layer-lost"));
  stores::Vfs again(fixture.options());
  CHECK(again.layers().list().empty());
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/dir/lost"));
  CHECK(fs::is_empty(fixture.graph() / "vfs-layers/tmp"));
}

TEST_CASE("leftovers of containers and images are removed, nothing in use is", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  for (auto const* id : {"base", "spare", "taken"}) store.layers().create({.id = id});
  store.layers().create({.id = "named", .names = {"name"}});
  store.layers().create({.id = "child", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "taken"});
  auto const box = store.containers().create("image", {.id = "box"});
  fs::create_directories(box.directory());
  fs::create_directories(fixture.graph() / "vfs-containers/gone/userdata");
  fs::create_directories(fixture.graph() / "vfs-images/gone");
  auto const temp = fixture.graph() / "vfs-layers/tmp/temp-dir-1";
  fs::create_directories(temp);
  for (std::string const note : {"spare-base", "spare-spare", "spare-taken", "spare-named", "container-gone",
                                 "container-box", "image-gone", "image-image"})
    fs::ofstream(temp / ("0-note-" + note)) << "";
  fs::ofstream(temp / ("0-note-spare-" + box.record().layer)) << "";
  stores::Vfs again(fixture.options());
  CHECK(stores::ids(again.layers().list()) ==
        std::vector<std::string>{"base", "taken", "named", "child", box.record().layer});
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/dir/spare"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-containers/gone"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-images/gone"));
  CHECK(fs::exists(box.directory()));
  CHECK(again.images().exists("image"));
  CHECK(again.containers().exists("box"));
}

TEST_CASE("a record flagged incomplete is a layer that the Go library did not finish", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().create({.id = "whole"});
  fixture.store.layers().create({.id = "half"});
  auto const file = fixture.graph() / "vfs-layers/layers.json";
  auto text = sys::read_file(file);
  text.insert(text.size() - 2, R"(,"flags":{"incomplete":true})");
  fs::ofstream(file) << text;
  stores::Vfs again(fixture.options());
  CHECK_FALSE(again.layers().exists("half"));
  CHECK(again.layers().exists("whole"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/dir/half"));
}

TEMPLATE_TEST_CASE("an id must not be the name of one of the store's files", "[store][core]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  std::string const extension(TestType::Core::Serializer::extension());
  store.layers().create({.id = "kept"});
  for (std::string const& id :
       {"layers." + extension, "volatile-layers." + extension, std::string("layers.lock"), std::string("tmp"),
        std::string("kept.tar-split.gz"), std::string(".tmp-x")}) {
    INFO(id);
    CHECK(code_of([&] { store.layers().create({.id = id}); }) == Errc::invalid_id);
    CHECK(code_of([&] { store.layers().import(memory_source(stores::tar_of({})), {.id = id}); }) ==
          Errc::invalid_id);
  }
  CHECK(code_of([&] { store.images().create({.id = "images." + extension}); }) == Errc::invalid_id);
  CHECK(code_of([&] { store.containers().create("", {.id = "containers.lock"}); }) == Errc::invalid_id);
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"kept"});
}

TEST_CASE("removing an item whose id is the name of the record file leaves that file", "[store][core]") {
  Fixture<stores::Vfs> fixture;
  fixture.store.images().create({.id = "good"});
  auto const file = fixture.graph() / "vfs-images/images.json";
  auto text = sys::read_file(file);
  text.insert(1, R"({"id":"images.json","names":["bad"],"created":"2026-01-01T00:00:00Z"},)");
  fs::ofstream(file) << text;
  CHECK(code_of([&] { fixture.store.images().remove("bad"); }) == Errc::invalid_id);
  CHECK(code_of([&] { fixture.store.images().get("bad").big_data().set("key", "x"); }) == Errc::invalid_id);
  CHECK(fixture.store.images().list().size() == 2);
  CHECK(sys::read_file(file) == text);
}

namespace {
/// Takes its time to remove a layer.
struct Slow : drivers::Vfs {
  using Vfs::Vfs;
  Trash remove(LayerId const& id) {
    removing = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return Vfs::remove(id);
  }
  static inline std::atomic<bool> removing = false;
};
}  // namespace

TEST_CASE("a second thread waits until leftovers are collected", "[store][core]") {
  using SlowStore = Store<Slow, serializers::Json, durability::None>;
  Fixture<SlowStore> fixture;
  auto const left = fixture.graph() / "vfs/dir/left";
  sys::make_directories(left, 0700);
  auto dead = sys::StagingDirectory::create(fixture.graph() / "vfs-layers/tmp");
  dead.note(intent_text({IntentKind::layer_files, "left"}));
  dead.leave();
  SlowStore store(fixture.options());
  std::thread first([&] { static_cast<void>(store.layers().list()); });
  while (!Slow::removing) std::this_thread::yield();
  static_cast<void>(store.layers().list());
  CHECK_FALSE(fs::exists(left));
  first.join();
}
