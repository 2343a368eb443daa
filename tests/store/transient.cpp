#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/store/core.hpp>

#include "maintenance/damages.hpp"
#include "stores.hpp"
#include <algorithm>
#include <concepts>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

using namespace strata;
using stores::has_record;
using stores::ids;

namespace {

stores::Vfs::Options in_directory(testing::TempDir const& directory) {
  return {.graph_root = directory.path() / "graph", .run_root = directory.path() / "run"};
}

}  // namespace

TEST_CASE("containers of a transient store are lost with the run root, images are not",
          "[store][transient]") {
  testing::TempDir directory;
  auto wanted = in_directory(directory);
  wanted.transient = true;
  {
    stores::Vfs store(wanted);
    store.layers().create({.id = "base"});
    store.images().create({.id = "image", .top_layer = "base"});
    auto const box = store.containers().create("image", {.id = "box"});
    auto const layer = box.layer().id().str();
    CHECK(has_record(wanted.run_root / "vfs-containers/volatile-containers.json", "box"));
    CHECK(has_record(wanted.run_root / "vfs-layers/volatile-layers.json", layer));
    CHECK(fs::exists(wanted.run_root / "vfs-containers/containers.lock"));
    CHECK_FALSE(fs::exists(wanted.graph_root / "vfs-containers/containers.lock"));
    CHECK_FALSE(has_record(wanted.graph_root / "vfs-layers/layers.json", layer));
    CHECK(is_set(box.record().flags, "Volatile"));
    auto renamed = store.containers().get("box");
    renamed.add_names({"name"});
    CHECK(sys::read_file(wanted.run_root / "vfs-containers/volatile-containers.json").find("\"name\"") !=
          std::string::npos);
  }
  CHECK(stores::Vfs(wanted).containers().exists("name"));
  fs::remove_all(wanted.run_root);
  stores::Vfs store(wanted);
  CHECK(store.containers().list().empty());
  CHECK(ids(store.layers().list()) == std::vector<std::string>{"base"});
  CHECK(ids(store.images().list()) == std::vector<std::string>{"image"});
}

TEST_CASE("after a reboot, leftovers of transient containers are garbage, not damage", "[store][transient]") {
  testing::TempDir directory;
  auto wanted = in_directory(directory);
  wanted.transient = true;
  std::string lost;
  {
    stores::Vfs store(wanted);
    store.layers().create({.id = "base"});
    store.images().create({.id = "image", .top_layer = "base"});
    lost = store.containers().create("image", {.id = "box"}).layer().id().str();
  }
  fs::remove_all(wanted.run_root);
  auto const told_of_it = [&](CheckReport const& report) {
    return std::ranges::any_of(report.problems, [&](auto const& found) {
      return found.kind == ProblemKind::layer_unaccounted && found.id == lost;
    });
  };
  {
    stores::Vfs store(wanted);
    auto const report = check(store);
    CHECK(told_of_it(report));
    CHECK(report.sound());
    CHECK(repair(store).after.clean());
    CHECK_FALSE(fs::exists(wanted.graph_root / "vfs/dir" / lost));
  }
  // A layer that an image needs is another matter, and so is one of a store that keeps its containers.
  fs::remove(wanted.graph_root / "vfs-layers/layers.json");
  CHECK_FALSE(check(stores::Vfs(wanted)).sound());
  fs::remove(wanted.graph_root / "vfs-images/images.json");
  CHECK(check(stores::Vfs(wanted)).sound());
  wanted.transient = false;
  CHECK_FALSE(check(stores::Vfs(wanted)).sound());
}

TEST_CASE("records of volatile containers are in the common files unless configured otherwise",
          "[store][transient]") {
  testing::TempDir directory;
  auto wanted = in_directory(directory);
  wanted.volatile_apart = GENERATE(false, true);
  stores::Vfs store(wanted);
  store.containers().create("", {.id = "fast", .is_volatile = true});
  store.containers().create("", {.id = "kept"});
  auto const apart = wanted.graph_root / "vfs-containers/volatile-containers.json";
  CHECK(has_record(apart, "fast") == wanted.volatile_apart);
  CHECK(has_record(wanted.graph_root / "vfs-containers/containers.json", "fast") != wanted.volatile_apart);
  CHECK(has_record(wanted.graph_root / "vfs-layers/volatile-layers.json",
                   store.containers().get("fast").record().layer) == wanted.volatile_apart);
  CHECK(has_record(wanted.graph_root / "vfs-containers/containers.json", "kept"));
  auto const order = wanted.volatile_apart ? std::vector<std::string>{"kept", "fast"}
                                           : std::vector<std::string>{"fast", "kept"};
  CHECK(ids(store.containers().list()) == order);
  CHECK(ids(stores::Vfs(wanted).containers().list()) == order);
}

TEST_CASE("records of volatile files are read and stay there, whatever is configured", "[store][transient]") {
  testing::TempDir directory;
  auto const wanted = in_directory(directory);
  stores::Vfs store(wanted);
  store.containers().create("", {.id = "kept"});
  auto const layer = store.containers().get("kept").record().layer;
  fs::rename(wanted.graph_root / "vfs-containers/containers.json",
             wanted.graph_root / "vfs-containers/volatile-containers.json");
  fs::rename(wanted.graph_root / "vfs-layers/layers.json",
             wanted.graph_root / "vfs-layers/volatile-layers.json");
  auto box = store.containers().get("kept");
  box.set_metadata("changed");
  CHECK(sys::read_file(wanted.graph_root / "vfs-containers/volatile-containers.json").find("changed") !=
        std::string::npos);
  CHECK_FALSE(has_record(wanted.graph_root / "vfs-containers/containers.json", "kept"));
  auto own = box.layer();
  own.set_metadata("changed");
  CHECK(has_record(wanted.graph_root / "vfs-layers/volatile-layers.json", layer));
  CHECK_FALSE(has_record(wanted.graph_root / "vfs-layers/layers.json", layer));
  store.containers().remove("kept");
  CHECK(sys::read_file(wanted.graph_root / "vfs-containers/volatile-containers.json") == "[]");
  CHECK(stores::Vfs(wanted).layers().list().empty());
}

TEMPLATE_TEST_CASE("items with records in volatile files that a store does not read are not garbage",
                   "[store][transient]", stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  testing::TempDir directory;
  typename TestType::Options wanted{.graph_root = directory.path() / "graph",
                                    .run_root = directory.path() / "run"};
  auto other = wanted;
  bool const transient = GENERATE(true, false);
  (transient ? wanted : other).transient = true;
  wanted.volatile_apart = true;
  TestType store(wanted);
  store.layers().create({.id = "base"});
  store.images().create({.id = "image", .top_layer = "base"});
  auto const box = store.containers().create("image", {.is_volatile = true});
  damages::write(box.directory() / "mine", "mine");
  damages::write(box.run_directory() / "mine", "mine");
  damages::write(box.mount().path() / "work", "work");
  bool const mounted = GENERATE(true, false);
  auto const mount = mounted ? std::make_unique<decltype(box.mount())>(box.mount()) : nullptr;
  {
    TestType elsewhere(other);
    CHECK(collect_garbage(elsewhere).items.empty());
    CHECK(check(elsewhere).clean());
    CHECK(repair(elsewhere).actions == std::vector<std::string>{});
  }
  CHECK(damages::read(box.mount().path() / "work") == "work");
  CHECK(damages::read(box.directory() / "mine") == "mine");
  CHECK(damages::read(box.run_directory() / "mine") == "mine");
  store.shutdown({.force = true});
}
