#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/remove_damaged.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/sys/xattr.hpp>

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "damages.hpp"
#include "store/stores.hpp"
#include <algorithm>
#include <chrono>
#include <concepts>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

// What a repair leaves alone, since nothing proves that it is of no use.

namespace {

std::vector<std::string> kept(RepairReport const& report) {
  std::vector<std::string> lines;
  for (auto const& failure : report.failures) {
    try {
      std::rethrow_exception(failure.error);
    } catch (Error const& error) {
      CHECK(error.code() == Errc::kept);
      lines.push_back(failure.doing + ": " + error.subject());
    }
  }
  return lines;
}
bool any_has(std::vector<std::string> const& lines, std::string const& text) {
  return std::ranges::any_of(lines, [&](auto const& line) { return line.find(text) != line.npos; });
}
bool has_fault(CheckReport const& report, ProblemKind kind) {
  return std::ranges::any_of(report.problems, [&](auto const& found) { return found.kind == kind; });
}

/// Adds a file; its directory keeps its time.
void add_stray(fs::path const& path) {
  struct stat before {};
  REQUIRE(::stat(path.parent_path().c_str(), &before) == 0);
  damages::write(path, "stray");
  timespec const times[2] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, path.parent_path().c_str(), times, 0) == 0);
}

template <class S>
void check_all_there(S& store) {
  CHECK(store.layers().list().size() == 5);
  CHECK(store.images().list().size() == 2);
  CHECK(store.containers().list().size() == 1);
}

}  // namespace

TEMPLATE_TEST_CASE("files that are not in a layer's archive are reported and kept", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  add_stray(sample.tree(sample.top) / "e/stray");
  damages::write(sample.tree(sample.lone) / "more", "more");
  TestType store(sample.options());
  auto const report = repair(store);
  CHECK_FALSE(report.before.sound());
  CHECK(has_fault(report.before, ProblemKind::content_foreign));
  CHECK_FALSE(has_fault(report.before, ProblemKind::content_modified));
  CHECK(report.actions == std::vector<std::string>{});
  auto const lines = kept(report);
  CHECK(lines.size() == 2);
  CHECK(any_has(lines, "repairing layer " + sample.top + ": layer " + sample.top + ": +/e/stray"));
  CHECK(any_has(lines, "+/more"));
  CHECK(damages::read(sample.tree(sample.top) / "e/stray") == "stray");
  check_all_there(store);
}

TEMPLATE_TEST_CASE("files that are not in a layer's archive survive when the layer is unpacked again",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const tree = sample.tree(sample.base);
  fs::create_directories(tree / "d/sub");
  damages::write(tree / "d/sub/stray", "stray");
  fs::create_hard_link(tree / "d/sub/stray", tree / "other");
  fs::create_symlink("d/sub", tree / "link");
  CHECK(::chown((tree / "d/sub/stray").c_str(), ::geteuid(), ::getegid()) == 0);
  CHECK(::chmod((tree / "d/sub/stray").c_str(), 04751) == 0);
  CHECK(::chmod((tree / "d/sub").c_str(), 01777) == 0);
  sys::set_xattr(tree / "d/sub/stray", "user.mine", "kept");
  if (::geteuid() == 0) sys::set_xattr(tree / "d/sub", "trusted.mine", "kept");
  damages::age(tree / "d/sub/stray");
  damages::age(tree / "d/sub");
  CHECK(::chmod((tree / "two").c_str(), 0600) == 0);
  fs::remove(tree / "empty");

  TestType store(sample.options());
  auto const report = repair(store);
  CHECK(has_fault(report.before, ProblemKind::content_modified));
  CHECK(report.actions ==
        std::vector<std::string>{"layer " + sample.base + ": unpacked it anew from its tar-split"});
  CHECK_FALSE(has_fault(report.after, ProblemKind::content_modified));
  CHECK(any_has(kept(report), "+/d/sub/"));
  struct stat status {};
  REQUIRE(::lstat((tree / "two").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0644);
  CHECK(fs::exists(tree / "empty"));
  REQUIRE(::lstat((tree / "d/sub/stray").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 04751);
  CHECK(status.st_nlink == 2);
  CHECK(status.st_mtime == 1'600'000'000);
  CHECK(sys::get_xattr(tree / "d/sub/stray", "user.mine") == "kept");
  if (::geteuid() == 0) CHECK(sys::get_xattr(tree / "d/sub", "trusted.mine") == "kept");
  CHECK(damages::read(tree / "other") == "stray");
  CHECK(fs::read_symlink(tree / "link") == "d/sub");
  REQUIRE(::lstat((tree / "d/sub").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 01777);
  CHECK(status.st_mtime == 1'600'000'000);
  check_all_there(store);
}

TEST_CASE("whiteouts and opaque marks that are not in a layer's archive are kept", "[store][repair]") {
  if (::geteuid() != 0) return;  // only root makes them
  damages::Sample<stores::Overlay> const sample;
  auto const tree = sample.tree(sample.top);
  REQUIRE(::mknod((tree / "two").c_str(), S_IFCHR, makedev(0, 0)) == 0);
  fs::create_directory(tree / "d");
  sys::set_xattr(tree / "d", "trusted.overlay.opaque", "y");
  CHECK(::chmod((tree / "e/four").c_str(), 0600) == 0);
  stores::Overlay store(sample.options());
  auto const report = repair(store);
  CHECK(report.actions.size() == 1);
  CHECK(any_has(kept(report), "-/two"));
  CHECK(any_has(kept(report), "-/d/three"));
  struct stat status {};
  REQUIRE(::lstat((tree / "two").c_str(), &status) == 0);
  CHECK(S_ISCHR(status.st_mode));
  CHECK(sys::get_xattr(tree / "d", "trusted.overlay.opaque") == "y");
  REQUIRE(::lstat((tree / "e/four").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0644);
  check_all_there(store);
}

TEST_CASE("a layer's own whiteouts and opaque marks are restored", "[store][repair]") {
  if (::geteuid() != 0) return;  // only root makes them
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of({{"d/a", "1"}, {"e/b", "2"}})), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"d/.wh.a", ""}, {"e/", ""}, {"e/.wh..wh..opq", ""}})),
                        {.id = "top", .parent = "base"});
  auto const tree = fixture.graph() / "overlay/top/diff";
  fs::remove(tree / "d/a");
  fs::remove(tree / "e");
  damages::write(tree / "stray", "stray");
  auto const report = repair(store);
  CHECK(report.actions.size() == 1);
  CHECK(kept(report).size() == 1);
  CHECK(fs::status(tree / "d/a").type() == fs::character_file);
  CHECK(sys::get_xattr(tree / "e", "trusted.overlay.opaque") == "y");
  CHECK(damages::read(tree / "stray") == "stray");
}

TEMPLATE_TEST_CASE("a layer is left alone if foreign files are in the way of its own", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const place = sample.tree(sample.base) / "empty";
  fs::remove(place);
  fs::create_directory(place);
  damages::write(place / "stray", "stray");
  TestType store(sample.options());
  auto const report = repair(store);
  CHECK(report.actions == std::vector<std::string>{});
  CHECK_FALSE(report.failures.empty());
  CHECK_FALSE(report.after.sound());
  CHECK(damages::read(place / "stray") == "stray");
  check_all_there(store);
}

TEMPLATE_TEST_CASE("a difference in a layer is not reported again for its children", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto const tree = fixture.graph() / (std::same_as<TestType, stores::Vfs> ? "vfs/dir/" : "overlay/");
  store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "contents"}})), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"before", ""}})), {.id = "older", .parent = "base"});
  auto const files = tree / "base" / (std::same_as<TestType, stores::Vfs> ? "" : "diff");
  add_stray(files / "d/stray");
  store.layers().import(memory_source(stores::tar_of({{"after", ""}})), {.id = "newer", .parent = "base"});
  store.layers().import(memory_source(stores::tar_of({{"top", ""}})), {.id = "top", .parent = "newer"});
  auto const report = check(store);
  for (auto const& found : report.problems)
    CHECK(found.text == "layer base: +/d/stray, layer content modified");
  CHECK(report.problems.size() == 1);
}

TEST_CASE("a layer whose archive removes its own contents is reported and kept", "[store][repair]") {
  // Release 1.43 executes the whiteout: of such an archive it keeps no "a".
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const layer =
      store.layers().import(memory_source(stores::tar_of({{"a", "1"}, {".wh.a", ""}, {"z", "2"}})));
  store.images().create({.names = {"image"}, .top_layer = layer.id()});
  auto const tree = fixture.graph() / "vfs/dir" / layer.id().str();
  fs::remove(tree / "a");
  bool const quick = GENERATE(false, true);
  auto const report = repair(store, {.check = {.quick = quick}});
  CHECK_FALSE(report.before.sound());
  CHECK(has_fault(report.before, ProblemKind::content_unpackable));
  CHECK(report.actions == std::vector<std::string>{});
  CHECK(any_has(kept(report), "file integrity checksum failed for \"a\""));
  CHECK(store.layers().list().size() == 1);
  CHECK(store.images().list().size() == 1);
  // Another file of it that is gone is one whose bytes are gone.
  fs::remove(tree / "z");
  CHECK_FALSE(has_fault(check(store), ProblemKind::content_unpackable));
}

TEST_CASE("layers stored as whole trees do not depend on their parents", "[store][repair]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const records = fixture.graph() / "vfs-layers/layers.json";
  {
    stores::Vfs store(fixture.options());
    store.layers().import(memory_source(stores::tar_of({{"low", "1"}})), {.id = "base"});
    store.layers().import(memory_source(stores::tar_of({{"top", "2"}})), {.id = "child", .parent = "base"});
    auto const image = store.images().create({.id = "image", .top_layer = "child"});
    store.containers().create("image", {.id = "box"});
  }
  fs::remove_all(fixture.graph() / "vfs/dir/base");
  auto rows = boost::json::parse(damages::read(records)).as_array();
  rows.erase(std::ranges::find_if(rows, [](auto const& row) { return row.at("id") == "base"; }));
  sys::replace_file(records, boost::json::serialize(rows));

  stores::Vfs store(fixture.options());
  auto const report = repair(store, {.remove_containers = true});
  CHECK_FALSE(report.before.sound());
  CHECK(store.layers().list().size() == 2);
  CHECK(store.images().exists("image"));
  CHECK(store.containers().exists("box"));
  CHECK(damages::read(fixture.graph() / "vfs/dir/child/low") == "1");
}

TEST_CASE("a directory that was whited out is restored and hides nothing", "[store][repair]") {
  if (::geteuid() != 0) return;
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/x", "1"}})), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/e/", ""}})),
                        {.id = "child", .parent = "base"});
  auto const tree = fixture.graph() / "overlay/child/diff";
  fs::remove_all(tree / "d");
  REQUIRE(::mknod((tree / "d").c_str(), S_IFCHR, makedev(0, 0)) == 0);
  CHECK_FALSE(check(store).sound());
  auto const report = repair(store);
  CHECK(report.failures.empty());
  CHECK(report.after.sound());
  CHECK(fs::is_directory(tree / "d/e"));
  auto const mount = store.layers().get("child").mount();
  CHECK(damages::read(mount.path() / "d/x") == "1");
}

TEMPLATE_TEST_CASE("an unreferenced layer stays if a new layer stands on it", "[store][repair]", stores::Vfs,
                   stores::Overlay) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of({{"low", "1"}})), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"spare", "1"}})), {.id = "spare"});
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  store.layers().import(memory_source(stores::tar_of({{"top", "2"}})), {.id = "child", .parent = "base"});
  auto const report = repair(store, {.check = {.unreferenced_after = std::chrono::seconds(1)}});
  CHECK(report.actions.size() == 1);
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"base", "child"});
  CHECK(any_has(kept(report), "layer child stands on it"));
}

TEST_CASE("a container is kept if its image may be in a store that is not available", "[store][repair]") {
  stores::Fixture<stores::Vfs> fixture;
  auto options = fixture.options();
  options.image_stores = {fixture.directory.path() / "others"};
  {
    stores::Vfs other({.graph_root = options.image_stores[0], .run_root = fixture.directory.path() / "r"});
    other.layers().import(memory_source(stores::tar_of({{"low", "1"}})), {.id = "base"});
    other.images().create({.id = "image", .top_layer = "base"});
    stores::Vfs store(options);
    auto const box = store.containers().create("image", {.id = "box"});
    damages::write(box.mount().path() / "work", "work");
  }
  fs::rename(options.image_stores[0], fixture.directory.path() / "away");
  fs::create_directory(options.image_stores[0]);
  {
    stores::Vfs store(options);
    auto const report = repair(store, {.remove_containers = true});
    CHECK_FALSE(report.before.sound());
    CHECK(report.actions == std::vector<std::string>{});
  }
  fs::remove_all(options.image_stores[0]);
  fs::rename(fixture.directory.path() / "away", options.image_stores[0]);
  stores::Vfs store(options);
  CHECK(damages::read(store.containers().get("box").mount().path() / "work") == "work");
}

TEMPLATE_TEST_CASE("a mounted layer is not removed", "[store][repair]", stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of({{"f", "1"}})), {.id = "lay"});
  store.layers().import(memory_source(stores::tar_of({{"f", "1"}})), {.id = "player"});
  store.images().create({.id = "image", .top_layer = "lay"});
  {
    auto const one = store.layers().get("lay").mount();
    damages::write(one.path() / "f", "other");
    auto const other = store.layers().get("player").mount();
    damages::write(other.path() / "f", "other");
    auto const report = repair(store);
    CHECK(report.actions == std::vector<std::string>{});
    CHECK(any_has(kept(report), "layer lay is mounted"));
    CHECK(damages::read(one.path() / "f") == "other");
  }
  auto const player = store.layers().get("player").mount();
  auto const report = repair(store);
  CHECK(stores::ids(store.layers().list()) == std::vector<std::string>{"player"});
  CHECK(any_has(kept(report), "layer player is mounted"));
}

TEMPLATE_TEST_CASE("a damaged layer is removed with a container whose removal was requested",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  damages::write(sample.tree(sample.top) / "e/four", "gone");
  TestType store(sample.options());
  auto const first = repair(store);
  CHECK_FALSE(first.after.sound());
  CHECK(store.containers().exists(sample.box));
  auto const second = repair(store, {.remove_containers = true});
  CHECK(second.after.sound());
  CHECK_FALSE(store.containers().exists(sample.box));
  CHECK_FALSE(store.layers().exists(sample.top));
  CHECK(store.layers().exists(sample.mid));
}

TEST_CASE("nothing is removed while the image store is not available", "[store][repair]") {
  stores::Fixture<stores::Vfs> fixture;
  auto options = fixture.options();
  options.image_store = fixture.directory.path() / "images";
  std::string const tar = stores::tar_of({{"low", "1"}});
  {
    stores::Vfs store(options);
    store.layers().import(memory_source(tar), {.id = std::string(64, 'a')});
    store.images().create({.id = "image", .top_layer = std::string(64, 'a')});
    damages::write(store.containers().create("image", {.id = "box"}).mount().path() / "work", "work");
  }
  fs::rename(options.image_store, fixture.directory.path() / "away");
  bool const forgotten = GENERATE(true, false);
  {
    stores::Vfs store(forgotten ? fixture.options() : options);
    CHECK(collect_garbage(store).items.empty());
    repair(store);
    if (!forgotten) CHECK(repair(store, {.remove_containers = true}).actions == std::vector<std::string>{});
  }
  fs::remove_all(options.image_store);
  fs::rename(fixture.directory.path() / "away", options.image_store);
  stores::Vfs store(options);
  CHECK(stores::diff_of(store.layers().get(std::string(64, 'a'))) == tar);
  CHECK(damages::read(store.containers().get("box").mount().path() / "work") == "work");
  CHECK(check(store).clean());
}

TEMPLATE_TEST_CASE("a mounted container is not removed even on request", "[store][repair]", stores::Vfs,
                   stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  damages::Sample<TestType> const sample;
  fs::remove(sample.kind("containers") / sample.box / "state");
  TestType store(sample.options());
  {
    auto const mount = store.containers().get("box").mount();
    auto const report = repair(store, {.remove_containers = true});
    CHECK(report.actions == std::vector<std::string>{});
    CHECK(any_has(kept(report), "; it is mounted"));
    CHECK(damages::read(mount.path() / "d/new") == "written in the container");
  }
  CHECK(repair(store, {.remove_containers = true}).after.sound());
  CHECK_FALSE(store.containers().exists("box"));
}

TEMPLATE_TEST_CASE("image and layers of a container in record files that this store does not read are kept",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  damages::Sample<TestType> const sample;
  auto transient = sample.options();
  transient.transient = true;
  TestType other(transient);
  other.containers().create("other", {.id = "fast"});
  fs::remove(sample.kind("images") / sample.other / "manifest");
  TestType store(sample.options());
  auto const report = repair(store, {.check = {.unreferenced_after = std::chrono::seconds(0)}});
  CHECK(any_has(kept(report), "of a store that is opened otherwise"));
  CHECK(store.images().exists("other"));
  CHECK(store.layers().exists(sample.lone));
  CHECK(damages::read(other.containers().get("fast").mount().path() / "alone") == "lone");
  // Records there that cannot be read may name anything.
  damages::write(sample.run() / (sample.overlay ? "overlay-layers" : "vfs-layers") / "volatile-layers.json",
                 "[{");
  CHECK(has_fault(check(store), ProblemKind::record_file_damaged));
  repair(store, {.check = {.unreferenced_after = std::chrono::seconds(0)}});
  CHECK(store.layers().exists(sample.lone));
}
