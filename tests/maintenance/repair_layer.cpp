#include <strata/fs.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/repair_layer.hpp>

#include <boost/filesystem/fstream.hpp>

#include "store/stores.hpp"
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace strata;
using stores::Fixture;
using stores::tar_of;

namespace {

/// A store with a layer whose record is told to have been seen in another shape, and a look at both.
struct SeenOtherwise {
  using Core = stores::Vfs::Core;
  SeenOtherwise() {
    fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
    records = detail::StoreSnapshot<Core>::read(*core);
    seen = *records.layers.find("one");
  }
  void repair(ProblemKind kind) { detail::LayerRepairer<Core>(*core, log, records, {}).repair(kind, seen); }
  LayerRecord now() { return *core->table<Core::LayerTraits>().read().by_id("one"); }
  template <class Change>
  void change(Change change) {
    detail::change_record<Core::LayerTraits>(*core, "one", change);
  }

  Fixture<stores::Vfs> fixture;
  std::shared_ptr<Core> core = std::make_shared<Core>(fixture.options());
  detail::StoreSnapshot<Core> records = {};
  LayerRecord seen = {};
  detail::RepairLog log = {};
};

/// A driver with whose layers somebody is at work just after one was copied.
struct WrittenTo : drivers::Vfs {
  using Vfs::Vfs;
  Staged stage(StageRequest const& request) {
    auto staged = Vfs::stage(request);
    if (write) write();
    return staged;
  }
  static inline std::function<void()> write = {};
};

}  // namespace

TEST_CASE("repair_layer: writes to a layer while it is unpacked again are not lost", "[store][repair]") {
  using S = Store<WrittenTo, serializers::Json, durability::None>;
  Fixture<S> fixture;
  fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
  auto const tree = fixture.graph() / "vfs/dir/one";
  if (GENERATE(true, false)) fs::ofstream(tree / "mine") << "before";  // without it, no copy is made
  fs::permissions(tree / "file", fs::perms::owner_read);
  auto const said = [&] {
    std::string text;
    auto const report = repair(fixture.store);
    for (auto const& action : report.actions) text += action + '\n';
    for (auto const& failure : report.failures) {
      try {
        std::rethrow_exception(failure.error);
      } catch (std::exception const& error) {
        text += error.what() + std::string("\n");
      }
    }
    return text;
  };
  auto const mode = [&] { return fs::status(tree / "file").permissions(); };
  std::string const refused = "layer one was written to: changed meanwhile";
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a tick of the kernel's clock and more
  SECTION("a file of others") {
    WrittenTo::write = [&] { fs::ofstream(tree / "mine") << "after."; };
    CHECK(said().find(refused) != std::string::npos);
    CHECK(sys::read_file(tree / "mine") == "after.");
  }
  SECTION("a new one") {
    WrittenTo::write = [&] { fs::ofstream(tree / "new") << "after"; };
    CHECK(said().find(refused) != std::string::npos);
    CHECK(sys::read_file(tree / "new") == "after");
  }
  SECTION("the root") {
    WrittenTo::write = [&] { fs::permissions(tree, fs::perms::owner_all); };
    CHECK(said().find(refused) != std::string::npos);
  }
  CHECK(mode() == fs::perms::owner_read);
  WrittenTo::write = {};
  bool const is_there = fs::exists(tree / "mine");
  CHECK(said().find("unpacked it anew") != std::string::npos);
  CHECK(mode() != fs::perms::owner_read);
  CHECK(fs::exists(tree / "mine") == is_there);
}

TEST_CASE("repair_layer: a layer that changed since the check is left alone, and no action is reported",
          "[store][repair]") {
  SeenOtherwise layer;
  auto const before = layer.now();
  SECTION("its parent") {
    layer.seen.parent = "elsewhere";
    layer.repair(ProblemKind::parent_circle);
  }
  SECTION("its digest") {
    layer.seen.diff_digest = Digest::of(as_bytes(std::string("else"))).str();
    layer.repair(ProblemKind::content_digest);
  }
  SECTION("its archive") {
    layer.seen.created = {};
    layer.repair(ProblemKind::archive_damaged);
  }
  SECTION("its files") {
    layer.seen.created = {};
    layer.repair(ProblemKind::content_modified);
  }
  CHECK(layer.log.actions.empty());
  CHECK(layer.now().parent == before.parent);
  CHECK(layer.now().diff_digest == before.diff_digest);
  CHECK(layer.now().diff_size == before.diff_size);
}

TEST_CASE("repair_layer: recorded facts about a tar are repaired", "[store][repair]") {
  SeenOtherwise layer;
  auto const before = layer.now();
  layer.change([](auto& record) { record.diff_size = 1; });
  layer.seen = layer.now();
  layer.repair(ProblemKind::content_size);
  CHECK(layer.log.actions.size() == 1);
  CHECK(layer.now().diff_size == before.diff_size);
}

TEST_CASE("repair_layer: a crash between tar-split and record leaves a state that the next repair completes",
          "[store][repair]") {
  SeenOtherwise layer;
  auto const digest = layer.now().diff_digest;
  auto const other = Digest::of(as_bytes(std::string("else"))).str();
  layer.change([&](auto& record) {
    record.diff_digest = other;
    record.compressed_diff_digest = Digest::of(as_bytes(std::string("packed"))).str();
    record.compression = 2;
    record.metadata = std::string(300'000, 'x');  // makes the record file too long, below
  });
  auto const split = layer.core->tar_split("one");
  fs::resize_file(split, 20);
  layer.seen = layer.now();
  {
    auto const before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    rlimit const less{.rlim_cur = 100'000, .rlim_max = limit.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &less);
    bool failed = false;
    try {
      layer.repair(ProblemKind::archive_damaged);
    } catch (Error const& error) {
      failed = error.code() == std::errc::file_too_large;
    }
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, before);
    REQUIRE(failed);
  }
  CHECK(layer.now().diff_digest == other);
  CHECK_FALSE(fs::exists(split));
  layer.repair(ProblemKind::archive_missing);
  CHECK(fs::exists(split));
  CHECK(layer.now().diff_digest == digest);
  CHECK(layer.now().compressed_diff_digest == digest);
  CHECK(layer.now().compression == 0);
}

TEST_CASE("repair_layer: a tar-split that has become readable again is kept", "[store][repair]") {
  SeenOtherwise layer;
  auto const split = layer.core->tar_split("one");
  auto const before = sys::read_file(split);
  layer.change([](auto& record) { record.diff_digest = Digest::of(as_bytes(std::string("else"))).str(); });
  layer.seen = layer.now();
  layer.repair(ProblemKind::archive_damaged);
  CHECK(layer.log.actions.empty());
  CHECK(layer.now().diff_digest == layer.seen.diff_digest);
  CHECK(sys::read_file(split) == before);
}

TEST_CASE("repair_layer: a layer with a stale mount is unpacked again in the same repair",
          "[store][repair]") {
  if (::geteuid() != 0) return;
  Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const layer = store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
  auto const mount = layer.mount();
  REQUIRE(::umount(mount.path().c_str()) == 0);
  fs::permissions(fixture.graph() / "overlay/one/diff/file", fs::perms::owner_read);
  auto const report = repair(store);
  CHECK_FALSE(report.before.sound());
  CHECK(report.failures.empty());
  CHECK(report.after.clean());
}
