#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/repair.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "damages.hpp"
#include "store/stores.hpp"
#include <unistd.h>

using namespace strata;
using stores::Fixture;

namespace {
std::string told(CheckReport const& report) {
  std::string text;
  for (auto const& f : report.problems)
    text += std::string(to_text(f.severity)) + ' ' + std::string(problem_code(f)) + ' ' + f.text + '\n';
  return text;
}
}  // namespace

TEMPLATE_TEST_CASE("a store in use has no problems", "[store][check]", stores::Vfs, stores::Overlay,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto base = store.layers().import(
      memory_source(stores::tar_of({{"d/", ""}, {"d/one", "1"}, {"e/f/two", "22"}})), {.names = {"base"}});
  auto top = store.layers().import(memory_source(stores::tar_of({{"d/.wh.one", ""}, {"d/three", "333"}})),
                                   {.parent = "base"});
  top.big_data().set("key", "value");
  auto image = store.images().create({.names = {"image"}, .top_layer = top});
  image.big_data().set("manifest", "{}");
  image.big_data().set("Upper_case", "{}");
  auto box = store.containers().create("image", {.names = {"box"}});
  box.big_data().set("state", "running");
  box.directory();
  box.run_directory();
  CHECK(told(check(store)) == "");
  if constexpr (MountDriver<typename TestType::Core::Driver>) {
    auto const mount = box.mount();
    fs::ofstream(mount.path() / "d" / "new") << "new";
    CHECK(told(check(store, {.unreferenced_after = std::chrono::nanoseconds(0)})) == "");
  }
}

TEMPLATE_TEST_CASE("a check distinguishes problems of read-only stores, and accepts references into them",
                   "[store][check]", stores::Vfs, stores::Overlay) {
  strata::testing::TempDir directory;
  typename TestType::Options const below{.graph_root = directory.path() / "below",
                                         .run_root = directory.path() / "below-run"};
  std::string layer;
  {
    TestType store(below);
    layer = store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/one", "1"}}))).id().str();
    store.images().create({.names = {"image"}, .top_layer = layer}).big_data().set("manifest", "{}");
    store.shutdown({.force = true});
  }
  TestType store({.graph_root = directory.path() / "graph",
                  .run_root = directory.path() / "run",
                  .image_stores = {below.graph_root}});
  store.containers().create("image", {.names = {"box"}});
  store.layers().import(memory_source(stores::tar_of({{"d/two", "2"}})), {.parent = layer});
  CHECK(told(check(store)) == "");

  auto const driver = store.driver_name();
  fs::remove(below.graph_root / (driver + "-layers") / (layer + ".tar-split.gz"));
  auto const found = check(store);
  CHECK(found.damaged(Subject::layer, true) == 1);
  CHECK(found.damaged(Subject::image, true) == 1);
  CHECK(found.damaged(Subject::layer) == 0);
  CHECK(found.damaged(Subject::container) == 1);
  CHECK(found.problems.back().text.starts_with("read-only layer " + layer));
  auto const report = repair(store);
  CHECK(report.actions.empty());
  CHECK(report.failures.empty());
  CHECK(store.containers().exists("box"));
  store.shutdown({.force = true});
}

TEMPLATE_TEST_CASE("a record whose id is no valid file name is reported, and hides no other problem",
                   "[store][check]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> sample;
  TestType store(sample.options());
  for (auto const& file : {sample.layers(), sample.images(), sample.containers()})
    for (std::string const id : {"../outside", "tmp", "a.lock"})
      damages::edit(file, "[{", "[{\"id\":\"" + id + "\",\"created\":\"2024-01-01T00:00:00Z\"},{");
  damages::write(sample.split(sample.lone), "damaged");
  auto const found = check(store);
  CHECK(found.damaged(Subject::store) == 3);  // what is no record at all
  CHECK(found.damaged(Subject::layer) == 3);
  CHECK(found.damaged(Subject::image) == 3);
  CHECK(found.damaged(Subject::container) == 2);
  auto const after = repair(store).after;
  CHECK(after.damaged(Subject::layer) == 2);
  CHECK(after.damaged(Subject::image) == 2);
  CHECK(store.images().exists("other"));
  CHECK(store.containers().exists("box"));
}

TEST_CASE("an id-mapped copy is intact where its maps do not cover an owner", "[store][check]") {
  if (::geteuid() != 0) {
    WARN("skipped: giving files away needs root");
    return;
  }
  Fixture<stores::Vfs> fixture;
  std::string tar;
  {
    Sink sink = string_sink(tar);
    archive::TarWriter writer(sink);
    archive::TarHeader file{.name = "file", .mode = 0644, .uid = 1000, .gid = 5};
    file.mtime.seconds = 1'700'000'000;
    writer.add(file);
    writer.finish();
  }
  auto const layer = fixture.store.layers().import(memory_source(tar));
  auto const image = fixture.store.images().create({.top_layer = layer});
  IdMap const map{{0, 65530, 10}};  // the overflow id is one of these
  fixture.store.containers().create(image.id(),
                                    {.maps = {.uids = {{0, 100'000, 10}}, .gids = {{0, 100'000, 10}}}});
  auto const box = fixture.store.containers().create(image.id(), {.maps = {.uids = map, .gids = map}});
  CHECK(told(check(fixture.store)) == "");
  auto const copy = fixture.store.layers().get(box.record().layer).record().parent;
  REQUIRE(::lchown((fixture.graph() / "vfs/dir" / copy / "file").c_str(), 65531, 65535) == 0);
  CHECK(check(fixture.store).damaged(Subject::layer) == 1);
}

TEST_CASE("an imported layer passes the check, however large its headers are", "[store][check]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const value = std::string(2U << 20U, 'x');
  auto const size = value.size() + std::string("2097170 comment=\n").size();
  auto const record = std::to_string(size) + " comment=" + value + '\n';
  REQUIRE(record.size() == size);
  auto const tar = tar_tools::extension('x', record) + stores::tar_of({{"f", "1"}});
  auto const layer = fixture.store.layers().import(strata::memory_source(tar));
  CHECK(check(fixture.store).clean());
  CHECK(stores::diff_of(layer) == tar);
}
