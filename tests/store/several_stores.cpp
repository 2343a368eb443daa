#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/store/read_only_stores.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <atomic>
#include <chrono>
#include <csignal>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>

using namespace strata;
using stores::code_of;
using stores::diff_of;
using stores::ids;
using stores::tar_of;

namespace {

/// A store, and a second one that reads it.
template <class S>
class TwoStores {
 public:
  using Store = S;
  typename S::Options first_options() const {
    return {.graph_root = directory.path() / "first", .run_root = directory.path() / "first-run"};
  }
  typename S::Options options() const {
    return {.graph_root = directory.path() / "graph",
            .run_root = directory.path() / "run",
            .image_stores = {directory.path() / "first"}};
  }
  fs::path first_root() const { return directory.path() / "first"; }

  TwoStores() : first(std::make_unique<S>(first_options())) {
    first->layers().import(memory_source(tar_of({{"etc/", ""}, {"etc/base", "of the base"}})),
                           {.id = "base", .names = {"the-base"}});
    first->layers().import(memory_source(tar_of({{"etc/", ""}, {"etc/top", "of the top"}})),
                           {.id = "top", .parent = "base"});
    auto image = first->images().create(
        {.id = "image", .names = {"localhost/image:1"}, .top_layer = "top", .metadata = "m"});
    image.big_data().set("manifest", "{}");
    image.add_names({"localhost/image:2"});
    second = std::make_unique<S>(options());
  }
  ~TwoStores() {
    for (auto* store : {second.get(), first.get()})
      if (store != nullptr) try {
          store->shutdown({.force = true});
        } catch (...) {  // the test says what was wrong
        }
  }

  testing::TempDir directory;
  std::unique_ptr<S> first;
  std::unique_ptr<S> second;
};

/// A stream that calls a function before it gives or takes its first bytes.
template <class Call>
struct CallingStream {
  Call call;
  std::string bytes = {};
  bool done = false;
  Bytes next() {
    if (std::exchange(done, true)) return {};
    call();
    return as_bytes(bytes);
  }
  void write(Bytes) {
    if (!std::exchange(done, true)) call();
  }
};

/// Somebody who holds locks exclusively, until the object ends or, should anybody wait for them, for five seconds.
class Holder {
 public:
  explicit Holder(std::vector<fs::path> const& locks) {
    for (auto const& lock : locks) held_.push_back(FileLock(lock).exclusive());
    end_ = std::jthread([this](std::stop_token const& stop) {
      for (int i = 0; i < 500 && !stop.stop_requested(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (!stop.stop_requested()) waited_for_ = true;
      held_.clear();
    });
  }
  bool waited_for() const { return waited_for_; }

 private:
  std::vector<FileLock::Guard> held_;
  std::atomic<bool> waited_for_ = false;
  std::jthread end_;
};

using JournalOnDisk = Store<drivers::Vfs, serializers::Journal, durability::None>;

}  // namespace

TEMPLATE_TEST_CASE("items of read-only stores are found after the store's own", "[store][several]",
                   stores::Vfs, JournalOnDisk) {
  TwoStores<TestType> pair;
  auto& store = *pair.second;
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"base", "top"});
  store.layers().create({.id = "own", .names = {"the-base"}});
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"own", "base", "top"});
  CHECK(store.layers().get("the-base").id().str() == "own");
  CHECK(store.layers().get("to").read_only());
  CHECK_FALSE(store.layers().get("own").read_only());
  CHECK(store.layers().get("top").parent()->id().str() == "base");
  auto image = store.images().get("localhost/image:1");
  CHECK(image.read_only());
  CHECK(image.big_data().get("manifest") == "{}");
  CHECK(ids(store.images().by_digest(Digest::of(as_bytes("{}")))) == std::vector<std::string>{"image"});
  CHECK(image.top_layer()->id().str() == "top");
  CHECK(image.size() > 0);
  CHECK(diff_of(store.layers().get("top")) == diff_of(pair.first->layers().get("top")));
  CHECK(store.layers().get("top").changes().size() == 2);
  CHECK(store.containers().list().empty());

  // What the other does is seen at the next look.
  pair.first->layers().create({.id = "later"});
  CHECK(store.layers().exists("later"));
}

TEMPLATE_TEST_CASE("no call changes a read-only store", "[store][several]", stores::Vfs, JournalOnDisk) {
  TwoStores<TestType> pair;
  auto& store = *pair.second;
  auto const before = stores::files_below(pair.first_root());
  auto layer = store.layers().get("top");
  auto image = store.images().get("image");
  CHECK(code_of([&] { layer.set_metadata("x"); }) == Errc::store_read_only);
  CHECK(code_of([&] { layer.add_names({"x"}); }) == Errc::store_read_only);
  CHECK(code_of([&] { layer.big_data().set("key", "x"); }) == Errc::store_read_only);
  CHECK(code_of([&] { layer.apply(memory_source(tar_of({{"x", "x"}}))); }) == Errc::store_read_only);
  CHECK(code_of([&] { static_cast<void>(layer.mount()); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.layers().remove("top"); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.images().remove("image"); }) == Errc::store_read_only);
  CHECK(code_of([&] { image.set_metadata("x"); }) == Errc::store_read_only);
  CHECK(code_of([&] { image.big_data().set("key", "x"); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.remove("image"); }) == Errc::store_read_only);
  CHECK(code_of([&] { store.layers().create({.id = "top"}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { store.layers().import(memory_source(tar_of({})), {.id = "base"}); }) ==
        Errc::duplicate_id);
  try {
    layer.set_metadata("x");
  } catch (Error const& error) {
    CHECK(std::string(error.what())
              .find("not allowed to change layer metadata at \"" + pair.first_root().native()) == 0);
  }
  store.layers().create({.id = "own", .parent = "top"});
  store.wipe();
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"base", "top"});
  CHECK(stores::files_below(pair.first_root()) == before);
}

TEST_CASE("items can refer to layers and images of a read-only store", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  auto& store = *pair.second;
  auto const layer =
      store.layers().import(memory_source(tar_of({{"etc/", ""}, {"etc/own", "own"}})), {.parent = "top"});
  CHECK(layer.record().parent == "top");
  fs::path const tree = layer.mount().path();
  CHECK(sys::read_file(tree / "etc/base") == "of the base");
  CHECK(sys::read_file(tree / "etc/own") == "own");
  auto const image = store.images().create({.top_layer = layer.id()});
  CHECK(image.size() == layer.size() + store.layers().get("top").size() + store.layers().get("base").size());
  auto const box = store.containers().create("image", {.names = {"box"}});
  CHECK(box.image()->read_only());
  CHECK(sys::read_file(box.mount().path() / "etc/top") == "of the top");
  CHECK(store.images().remove(image) == std::vector{layer.id()});
  store.containers().remove("box");
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"base", "top"});
}

TEST_CASE("overlay layers over a read-only store are mounted below the run root",
          "[store][several][overlay]") {
  if (::geteuid() != 0) return;
  TwoStores<stores::Overlay> pair;
  auto& store = *pair.second;
  auto const box = store.containers().create("image", {.names = {"box"}});
  {
    auto const mount = box.mount();
    CHECK(sys::read_file(mount.path() / "etc/base") == "of the base");
    CHECK(sys::read_file(mount.path() / "etc/top") == "of the top");
    fs::ofstream(mount.path() / "etc/new") << "x";
  }
  CHECK(box.changes().size() == 2);
  CHECK(box.diff_size() == 1);
  {
    auto const mount = store.images().get("image").mount();
    CHECK(mount.path().native().starts_with((pair.directory.path() / "run").native()));
    CHECK(sys::read_file(mount.path() / "etc/base") == "of the base");
    CHECK(::access((mount.path() / "etc").c_str(), W_OK) != 0);
  }
  auto const top = store.layers().get("top");
  CHECK(diff_of(top) == diff_of(pair.first->layers().get("top")));
  CHECK(top.changes().size() == 2);
  CHECK(fs::is_empty(pair.first_root() / "overlay/top/merged"));
}

TEMPLATE_TEST_CASE("naming an image of a read-only store copies it into the store itself", "[store][several]",
                   stores::Vfs, JournalOnDisk) {
  TwoStores<TestType> pair;
  auto& store = *pair.second;
  auto image = store.images().get("image");
  auto const there = pair.first->images().get("image").record();
  CHECK(image.add_names({"mine"}) == names::List{"mine", "localhost/image:2", "localhost/image:1"});
  CHECK_FALSE(image.read_only());
  CHECK(ids(store.images().list()) == std::vector<std::string>{"image", "image"});
  auto own = store.images().get("mine");
  CHECK(own.record().top_layer == "top");
  CHECK(own.record().created == there.created);
  CHECK(own.record().digest == there.digest);
  CHECK(own.metadata() == "m");
  CHECK(own.big_data().get("manifest") == "{}");
  CHECK(own.record().names_history == names::List{"localhost/image:1", "localhost/image:2", "mine"});
  CHECK(pair.first->images().get("image").record().names == there.names);
  own.set_metadata("changed");

  SECTION("a second time it is there already") {
    auto again = store.images().list().back();
    CHECK(again.read_only());
    CHECK(again.remove_names({"mine"}) == names::List{"localhost/image:2", "localhost/image:1"});
    CHECK(store.images().list().size() == 2);
  }
  SECTION("removed, the other shows again") {
    store.images().remove("image");
    CHECK(store.images().get("image").read_only());
    CHECK(store.images().get("image").big_data().get("manifest") == "{}");
  }
}

TEMPLATE_TEST_CASE("a name removed from an image of a read-only store does not resolve, the others do",
                   "[store][several]", stores::Vfs, JournalOnDisk) {
  TwoStores<TestType> pair;
  auto options = pair.options();
  options.graph_root = pair.directory.path() / "third";
  options.image_stores.push_back(pair.directory.path() / "graph");
  auto& store = *pair.second;
  CHECK(store.images().get("localhost/image:1").remove_names({"localhost/image:1"}) ==
        names::List{"localhost/image:2"});
  CHECK_FALSE(store.images().exists("localhost/image:1"));
  CHECK_FALSE(store.find("localhost/image:1"));
  CHECK(code_of([&] { store.images().remove("localhost/image:1"); }) == Errc::image_unknown);
  CHECK_FALSE(store.images().get("localhost/image:2").read_only());
  CHECK_FALSE(store.images().get("image").read_only());
  CHECK_FALSE(store.images().get("ima").read_only());
  CHECK(pair.first->images().exists("localhost/image:1"));
  // No record of this one's own tells what was removed.
  TestType third(options);
  CHECK(third.images().exists("localhost/image:1"));
  third.shutdown({.force = true});
  store.images().remove("image");
  CHECK(store.images().get("localhost/image:1").read_only());
}

TEST_CASE("an image created with the id of one in a read-only store takes over unset fields",
          "[store][several]") {
  TwoStores<stores::Vfs> pair;
  auto& store = *pair.second;
  auto made = store.images().create({.id = "image", .names = {"new"}, .top_layer = "base"});
  CHECK(made.names() == names::List{"localhost/image:2", "localhost/image:1", "new"});
  CHECK(made.record().top_layer == "base");
  CHECK(made.metadata() == "m");
  CHECK(made.big_data().get("manifest") == "{}");
  CHECK(code_of([&] { store.images().create({.id = "image"}); }) == Errc::duplicate_id);
}

TEST_CASE("leftovers of a dead process do not block an image of the same id", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  {
    auto left = sys::StagingDirectory::create(pair.options().graph_root / "vfs-layers" / paths::table_trash);
    left.note(intent_text({IntentKind::image_files, "image"}));
    left.leave();
  }
  CHECK(pair.second->images().create({.id = "image"}).big_data().get("manifest") == "{}");
}

TEST_CASE("of several stores, the first that has an item takes precedence", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  stores::Vfs third(
      {.graph_root = pair.directory.path() / "third", .run_root = pair.directory.path() / "third-run"});
  third.layers().create({.id = "base", .names = {"third's"}});
  third.layers().create({.id = "only", .names = {"the-base"}});
  auto options = pair.options();
  options.image_stores.push_back(pair.directory.path() / "third");
  options.image_stores.push_back(pair.directory.path() / "first/.");
  options.image_stores.push_back(options.graph_root);
  stores::Vfs store(options);
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"base", "top", "base", "only"});
  CHECK(store.layers().get("base").names() == names::List{"the-base"});
  CHECK(store.layers().get("the-base").id().str() == "base");
  CHECK(store.layers().get("third's").id().str() == "base");
}

TEST_CASE("a duplicate name in a read-only store has its own error code", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  pair.first.reset();
  auto const spoil = [&](std::string const& file) {
    auto text = sys::read_file(pair.first_root() / file);
    text.insert(text.size() - 1, R"(,{"id":"a","names":["same"]},{"id":"b","names":["same"]})");
    sys::replace_file(pair.first_root() / file, text);
  };
  SECTION("of layers, when layers are looked at") {
    spoil("vfs-layers/layers.json");
    stores::Vfs store(pair.options());
    for (int i = 0; i < 2; ++i)
      CHECK(code_of([&] { static_cast<void>(store.layers().list()); }) == Errc::duplicate_layer_names);
    CHECK(store.images().list().size() == 1);
  }
  SECTION("of images, when the store is opened") {
    spoil("vfs-images/images.json");
    CHECK(code_of([&] { stores::Vfs store(pair.options()); }) == Errc::duplicate_image_names);
  }
}

TEST_CASE("damage in a read-only store is reported, and the rest is still checked", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  auto& store = *pair.second;
  auto own = store.images().create({.id = "own"});
  own.big_data().set("key", "1");
  fs::ofstream(pair.first_root() / "vfs-layers/layers.json") << "[{";
  fs::ofstream(pair.directory.path() / "graph/vfs-images/own/key") << "12";
  auto const report = check(store);
  auto const has = [&](ProblemKind kind, Subject subject, bool read_only) {
    return std::ranges::any_of(report.problems, [&](Problem const& found) {
      return found.kind == kind && found.subject == subject && found.read_only == read_only;
    });
  };
  CHECK(has(ProblemKind::record_file_damaged, Subject::store, true));
  CHECK(has(ProblemKind::data_size, Subject::image, false));
}

TEST_CASE("a refused image leaves nothing, even if it would have copied data", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  auto& store = *pair.second;
  store.images().create({.id = "own", .names = {"taken"}});
  CHECK(code_of([&] { store.images().create({.id = "image", .names = {"taken"}, .top_layer = "top"}); }) ==
        Errc::duplicate_name);
  CHECK_FALSE(fs::exists(pair.directory.path() / "graph/vfs-images/image"));
}

TEST_CASE("nothing is created in a read-only store", "[store][several]") {
  testing::TempDir directory;
  auto const empty = directory.path() / "empty";
  fs::create_directories(empty);
  stores::Vfs store({.graph_root = directory.path() / "graph",
                     .run_root = directory.path() / "run",
                     .image_stores = {empty, directory.path() / "missing"}});
  store.layers().create();
  CHECK(store.images().list().empty());
  CHECK(store.layers().list().size() == 1);
  CHECK(fs::is_empty(empty));
  CHECK_FALSE(fs::exists(directory.path() / "missing"));
}

TEST_CASE("a store on a read-only mount can be read", "[store][several]") {
  if (::geteuid() != 0) return;
  TwoStores<stores::Vfs> pair;
  auto const mount = pair.directory.path() / "mounted";
  fs::create_directory(mount);
  for (auto const* lock : {"vfs-layers/layers.lock", "vfs-images/images.lock"})
    fs::remove(pair.first_root() / lock);
  REQUIRE(::mount(pair.first_root().c_str(), mount.c_str(), nullptr, MS_BIND, nullptr) == 0);
  REQUIRE(::mount(nullptr, mount.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  {
    auto options = pair.options();
    options.graph_root = pair.directory.path() / "graph2";
    options.image_stores = {mount};
    stores::Vfs store(options);
    auto const box = store.containers().create("image");
    CHECK(sys::read_file(box.mount().path() / "etc/base") == "of the base");
    CHECK(diff_of(store.layers().get("top")) == diff_of(pair.first->layers().get("top")));
    stores::Vfs alone(
        {.graph_root = mount, .run_root = pair.directory.path() / "nowhere", .read_only = true});
    CHECK(ids(alone.layers().list()) == std::vector<std::string>{"base", "top"});
  }
  CHECK(::umount(mount.c_str()) == 0);
}

TEST_CASE("a concurrent change of a read-only store is reported", "[store][several]") {
  TwoStores<stores::Vfs> pair;
  auto& store = *pair.second;
  auto const remove_top = [&] {
    pair.first->images().remove("image", {.keep_layers = true});
    pair.first->layers().remove("top");
  };
  SECTION("the parent of a layer that is being imported goes") {
    Source source(CallingStream<decltype(remove_top)>{remove_top, tar_of({{"file", "x"}})});
    CHECK(code_of([&] { store.layers().import(std::move(source), {.parent = "top"}); }) ==
          Errc::store_changed);
    CHECK(ids(store.layers().list()) == std::vector<std::string>{"base"});
  }
  SECTION("the layer that is being exported goes") {
    auto const layer = store.layers().get("top");
    Sink sink(CallingStream<decltype(remove_top)>{remove_top});
    CHECK(code_of([&] { layer.diff(std::move(sink)); }) == Errc::store_changed);
  }
  SECTION("the data of an image whose names are to be changed is gone") {
    fs::remove(pair.first_root() / "vfs-images/image/manifest");
    auto image = store.images().get("image");
    CHECK(code_of([&] { image.add_names({"x"}); }) == Errc::store_changed);
    CHECK(store.images().list().size() == 1);
  }
}

TEST_CASE(
    "the image store must be another directory, and a driver without support for other stores refuses them",
    "[store][several]") {
  testing::TempDir directory;
  auto const graph = directory.path() / "graph";
  fs::create_directory(graph);
  CHECK(code_of([&] {
          stores::Vfs({.graph_root = graph, .run_root = directory.path() / "run", .image_store = graph});
        }) == Errc::image_store_same);
  CHECK(code_of([&] {
          stores::Journal(
              {.graph_root = graph, .run_root = directory.path() / "run", .image_stores = {"/other"}});
        }) == Errc::unsupported);
}

TEMPLATE_TEST_CASE("a writer does not wait for writers of a read-only store", "[store][several]", stores::Vfs,
                   JournalOnDisk) {
  TwoStores<TestType> pair;
  auto& store = *pair.second;
  std::vector const locks{pair.first_root() / "vfs-layers/layers.lock",
                          pair.first_root() / "vfs-images/images.lock"};
  SECTION("when a layer gets its place") {
    std::optional<Holder> holder;
    auto const hold = [&] { holder.emplace(locks); };
    Source source(CallingStream<decltype(hold)>{hold, tar_of({{"file", "x"}})});
    store.layers().import(std::move(source), {.id = "own", .parent = "top"});
    CHECK_FALSE(holder->waited_for());
  }
  SECTION("when an image is removed") {
    store.images().create({.id = "own", .top_layer = store.layers().create().id()});
    Holder const holder(locks);
    CHECK(store.images().remove("own").size() == 1);
    CHECK_FALSE(holder.waited_for());
  }
  SECTION("when it has no such layer or image") {
    Holder const holder(locks);
    CHECK(code_of([&] { store.layers().remove("base"); }) == Errc::store_read_only);
    CHECK(code_of([&] { store.images().remove("nosuch"); }) == Errc::image_unknown);
    CHECK_FALSE(holder.waited_for());
  }
}

TEST_CASE("two stores that read each other do not deadlock under concurrent changes", "[store][several]") {
  testing::TempDir directory;
  std::array const roots{directory.path() / "a", directory.path() / "b"};
  auto const options = [&](int which) {
    return stores::Vfs::Options{.graph_root = roots.at(static_cast<std::size_t>(which)),
                                .run_root = directory.path() / ("run-" + std::to_string(which)),
                                .image_stores = {roots.at(static_cast<std::size_t>(1 - which))}};
  };
  for (int which : {0, 1}) {
    auto const name = "base-" + std::to_string(which);
    stores::Vfs store(options(which));
    store.layers().create({.id = name});
    store.images().create({.id = "image-" + std::to_string(which), .top_layer = name});
  }
  std::vector<pid_t> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.push_back(::fork());
    REQUIRE(workers.back() >= 0);
    if (workers.back() != 0) continue;
    ::alarm(60);  // those who wait for each other are killed
    int status = 1;
    try {
      auto const here = worker % 2;
      std::string const there = std::to_string(1 - here), own = "own-" + std::to_string(worker);
      stores::Vfs store(options(here));
      for (int i = 0; i < 60; ++i) {
        store.layers().create({.id = own, .parent = "base-" + there});
        store.images().create({.id = own, .top_layer = own});
        store.containers().create("image-" + there, {.id = own});
        static_cast<void>(store.images().list());
        static_cast<void>(store.layers().exists("nosuch"));
        store.containers().remove(own);
        if (store.images().remove(own).size() != 1) throw std::runtime_error("its layer stayed");
      }
      status = 0;
    } catch (std::exception const& error) {
      std::fprintf(stderr, "worker %d: %s\n", worker, error.what());
    }
    ::_exit(status);
  }
  for (auto const worker : workers) {
    int status = -1;
    CHECK(::waitpid(worker, &status, 0) == worker);
    CHECK(status == 0);
  }
}
