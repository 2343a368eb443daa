#include <strata/fs.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/sys/staging_directory.hpp>

#include <catch2/catch.hpp>

#include "maintenance/damages.hpp"
#include "store/stores.hpp"
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace strata;

namespace scan_tests {  // several files of tests are compiled as one
namespace {

using Core = stores::Vfs::Core;

std::string const made_up(64, 'a');

/// What the scan says of a path; fails the test unless it says one thing.
Ownership at(std::vector<Ownership> const& claims, fs::path const& path) {
  INFO(path.native());
  REQUIRE(std::ranges::count(claims, path, &Ownership::path) == 1);
  return *std::ranges::find(claims, path, &Ownership::path);
}

KnownIds known_in(Core& core) {
  auto const layers = core.table<Core::LayerTraits>().read();
  auto const images = core.table<Core::ImageTraits>().read();
  auto const containers = core.table<Core::ContainerTraits>().read();
  return KnownIds::of(core, layers, images, containers);
}

struct Scanned {
  stores::Fixture<stores::Vfs> fixture = stores::Fixture<stores::Vfs>();
  Core& core = fixture.store.core();

  std::vector<Ownership> graph(KnownIds const& known) { return scan_graph_root(core, known); }
  std::vector<Ownership> graph() { return graph(known_in(core)); }
};

}  // namespace

TEST_CASE("generated ids are hexadecimal digits, 64 or as many as the kind has", "[maintenance][scan]") {
  CHECK(detail::is_generated_id(std::string(64, 'a'), 64));
  CHECK(detail::is_generated_id(std::string(64, '0'), 25));
  CHECK(detail::is_generated_id(std::string(25, 'f'), 25));
  for (auto const& other :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'), std::string(64, 'g'),
        std::string(63, 'a') + '/', std::string("base"), std::string()})
    CHECK_FALSE(detail::is_generated_id(other, 25));
}

TEST_CASE("a temporary file is written until it is old; what is missing is not old", "[maintenance][scan]") {
  testing::TempDir const dir;
  auto const file = dir / ".tmp-layers.json1";
  damages::write(file, "text");
  ScanOptions const options;
  auto const young = detail::temporary_file(file, options);
  CHECK(young.kind == UsageClass::staged);
  CHECK_FALSE(young.removable);
  CHECK(detail::temporary_file(file, {.leftover_after = std::chrono::seconds(0)}).removable);
  damages::age(file);
  auto const old = detail::temporary_file(file, options);
  CHECK(old.kind == UsageClass::trash);
  CHECK(old.removable);
  CHECK_FALSE(detail::is_old(dir / "missing", std::chrono::seconds(0)));
  damages::write(dir / "layers.json", "text");
  std::vector<Ownership> found;
  detail::own_temporary_files(dir.path(), options, found);
  REQUIRE(found.size() == 1);
  CHECK(found[0].path == file);
  detail::own_temporary_files(dir / "missing", options, found);
  CHECK(found.size() == 1);
}

TEST_CASE("each file of a store has an owner, and an orphan says whether it may go", "[maintenance][scan]") {
  Scanned scanned;
  auto& store = scanned.fixture.store;
  auto const graph = scanned.fixture.graph();
  store.layers().import(memory_source(stores::tar_of({{"file", "text"}})), {.id = "base"});
  auto image = store.images().create({.id = "image", .top_layer = "base"});
  image.big_data().set("manifest", "{}");
  damages::write(graph / "vfs-layers" / (made_up + ".tar-split.gz"), "split");
  fs::create_directory(graph / "vfs-images" / made_up);
  fs::create_directory(graph / "vfs-images/kept-by-hand");
  fs::create_directory(graph / "libpod");
  damages::write(graph / "vfs-images/image/.tmp-manifest1", "old");
  damages::age(graph / "vfs-images/image/.tmp-manifest1");

  auto const claims = scanned.graph();
  CHECK(at(claims, graph).reason == "store");
  CHECK(at(claims, graph / "vfs-images").reason == "records");
  auto const data = at(claims, graph / "vfs-images/image");
  CHECK(data.kind == UsageClass::referenced);
  CHECK(data.subject == Subject::image);
  CHECK(data.id == "image");
  auto const split = at(claims, graph / "vfs-layers/base.tar-split.gz");
  CHECK(split.kind == UsageClass::referenced);
  CHECK(split.reason == "its tar-split");
  auto const orphan = at(claims, graph / "vfs-images" / made_up);
  CHECK(orphan.kind == UsageClass::orphan);
  CHECK(orphan.removable);
  auto const by_hand = at(claims, graph / "vfs-images/kept-by-hand");
  CHECK(by_hand.kind == UsageClass::orphan);
  CHECK_FALSE(by_hand.removable);
  auto const alone = at(claims, graph / "vfs-layers" / (made_up + ".tar-split.gz"));
  CHECK(alone.kind == UsageClass::orphan);
  CHECK_FALSE(alone.removable);  // its layer may be in an image store that is not there
  CHECK(at(claims, graph / "vfs-images/image/.tmp-manifest1").removable);
  CHECK(at(claims, graph / "libpod").reason == "another program's");
  CHECK(at(claims, graph / "vfs/dir/base").kind == UsageClass::referenced);
}

TEST_CASE("what a live process makes or removes is no orphan", "[maintenance][scan]") {
  Scanned scanned;
  auto const data = scanned.fixture.graph() / "vfs-images" / made_up;
  scanned.fixture.store.images().create({.id = "image"});
  fs::create_directory(data);
  {
    auto maker = sys::StagingDirectory::create(scanned.core.layer_trash());
    maker.note(intent_text({IntentKind::image_files, made_up}));
    CHECK(detail::ids_in_work(scanned.core).contains(made_up));
    auto const claim = at(scanned.graph(), data);
    CHECK(claim.kind == UsageClass::staged);
    CHECK_FALSE(claim.removable);
    maker.leave();  // it dies
    CHECK_FALSE(detail::ids_in_work(scanned.core).contains(made_up));
    CHECK(at(scanned.graph(), data).kind == UsageClass::orphan);
  }
}

TEST_CASE("an orphan stays while a record that cannot be read may name it", "[maintenance][scan]") {
  Scanned scanned;
  scanned.fixture.store.images().create({.id = "image"});
  auto const data = scanned.fixture.graph() / "vfs-images" / made_up;
  fs::create_directory(data);
  auto known = known_in(scanned.core);
  CHECK(at(scanned.graph(known), data).removable);
  known.all_images = false;
  CHECK_FALSE(at(scanned.graph(known), data).removable);
}

TEST_CASE("a layer without a record stays while another one stands on it", "[maintenance][scan]") {
  Scanned scanned;
  scanned.fixture.store.layers().create({.id = "child"});
  auto const tree = scanned.fixture.graph() / "vfs/dir" / made_up;
  fs::create_directory(tree);
  auto known = known_in(scanned.core);
  CHECK(at(scanned.graph(known), tree).removable);
  known.wanted.insert(made_up);
  auto const claim = at(scanned.graph(known), tree);
  CHECK(claim.kind == UsageClass::orphan);
  CHECK_FALSE(claim.removable);
}

TEST_CASE("orphans that have a record by now, or are gone, are forgotten", "[maintenance][scan]") {
  testing::TempDir const dir;
  fs::create_directory(dir / "here");
  std::vector<Ownership> claims;
  for (auto const subject : {Subject::layer, Subject::image, Subject::container})
    for (auto const* path : {"here", "gone"})
      claims.push_back({.path = dir / path, .kind = UsageClass::orphan, .subject = subject, .id = "id"});
  claims.push_back({.path = dir / "gone", .kind = UsageClass::trash, .id = "id"});
  forget_changed(claims, {.images = {"id"}});
  REQUIRE(claims.size() == 3);
  CHECK(claims[0].subject == Subject::layer);
  CHECK(claims[1].subject == Subject::container);
  CHECK(claims[2].kind == UsageClass::trash);
}

TEST_CASE("directories of the run root belong to images and containers", "[maintenance][scan]") {
  Scanned scanned;
  auto& store = scanned.fixture.store;
  store.containers().create("", {.id = "box"});
  auto const run = scanned.fixture.directory.path() / "run/vfs-containers";
  fs::create_directories(run / "box");
  fs::create_directories(run / made_up);
  auto const known = known_in(scanned.core);
  auto const claims = scan_run_root(scanned.core, known);
  CHECK(at(claims, run / "box").kind == UsageClass::referenced);
  CHECK(at(claims, run / made_up).removable);
  auto const all = scan_roots(scanned.core, known);
  CHECK(all.size() == scanned.graph(known).size() + claims.size());
  CHECK(all.back().path == claims.back().path);
}

}  // namespace scan_tests
