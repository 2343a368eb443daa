#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/repair.hpp>

#include <catch2/catch.hpp>

#include "damages.hpp"
#include "store/stores.hpp"
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <functional>
#include <linux/fs.h>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace strata;

namespace {
std::string told_of(CheckReport const& report) {
  std::string text;
  for (auto const& f : report.problems)
    text += std::string(to_text(f.severity)) + ' ' + std::string(problem_code(f)) + ' ' + f.text + '\n';
  return text;
}

/// Lets another program do something in the store each time when a layer was looked at.
template <class S>
CheckOptions beside(std::function<void(S&, int)> const& act, typename S::Options const& options) {
  return {.progress = [act, other = std::make_shared<S>(options), calls = 0](Progress const&) mutable {
    act(*other, calls++);
  }};
}
}  // namespace

TEMPLATE_TEST_CASE("each kind of damage is found and repaired, and nothing intact is lost", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  for (auto const& damage : damages::catalogue<TestType>()) {
    INFO(damage.name);
    damages::Sample<TestType> sample;
    damages::Snapshot before;
    {
      TestType store(sample.options());
      REQUIRE(told_of(check(store)) == "");
      before = damages::snapshot(store, sample);
    }
    damage.make(sample);
    {
      TestType store(sample.options());
      auto const found = check(store);
      INFO(told_of(found));
      CHECK(std::ranges::any_of(found.problems,
                                [&](auto const& f) { return problem_code(f) == damage.code.text; }));
      auto const report = repair(store, {.check = {.leftover_after = std::chrono::seconds(1)}});
      std::string done;
      for (auto const& line : report.actions) done += line + '\n';
      INFO(done);
      CHECK(report.failures.empty());
      CHECK(told_of(report.after) == "");
      CHECK_FALSE(report.actions.empty());
    }
    TestType store(sample.options());
    CHECK(told_of(check(store)) == "");
    auto const after = damages::snapshot(store, sample);
    for (auto const& [key, text] : before) {
      if (damages::may_change(key, damage.loses)) continue;
      INFO(key);
      auto const found = after.find(key);
      if (found == after.end())
        FAIL_CHECK("lost");
      else
        CHECK(found->second == text);
    }
    // What was there can be worked with.
    auto const box = store.containers().list();
    REQUIRE(box.size() == 1);
    auto const mount = box.front().mount();
    CHECK(damages::read(mount.path() / "d/new") == "written in the container");
    CHECK(damages::read(mount.path() / "e/four") == "4444");
    CHECK_FALSE(fs::exists(mount.path() / "two"));
    CHECK_FALSE(fs::exists(mount.path() / "d/one"));
    CHECK(store.layers().create({.parent = sample.top}).parent()->id().str() == sample.top);
  }
}

TEMPLATE_TEST_CASE(
    "items that other processes remove and recreate during a repair are neither reported nor removed",
    "[store][repair]", stores::Vfs, stores::Overlay) {
  stores::Fixture<TestType> fixture;
  auto const tar = stores::tar_of({{"file", "contents"}});
  std::string const id(64, 'b');
  auto const make = [&](TestType& store) {
    store.layers().import(memory_source(tar), {.id = id});
    auto image = store.images().create({.id = id, .names = {"image"}, .top_layer = id});
    image.big_data().set("manifest", "{}");
  };
  fixture.store.layers().import(memory_source(tar), {.id = std::string(64, 'a')});
  make(fixture.store);
  auto const report = repair(fixture.store, {.check = beside<TestType>(
                                                 [&](TestType& other, int call) {
                                                   if (call == 0) other.images().remove(id);
                                                   if (call == 1) make(other);
                                                 },
                                                 fixture.options())});
  INFO(told_of(report.before));
  CHECK(report.before.clean());
  CHECK(report.actions.empty());
  CHECK(report.failures.empty());
  CHECK(fixture.store.layers().find(id));
  REQUIRE(fixture.store.images().find("image"));
  CHECK(fixture.store.images().get("image").big_data().get("manifest") == "{}");
  CHECK(check(fixture.store).clean());
}

TEMPLATE_TEST_CASE("data that other processes write during a check is not reported, and a repair keeps it",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  stores::Fixture<TestType> fixture;
  auto layer = fixture.store.layers().import(memory_source(stores::tar_of({{"file", "contents"}})));
  auto image = fixture.store.images().create({.names = {"image"}, .top_layer = layer.id()});
  image.big_data().set("manifest", "{}");
  std::string box;
  auto const report =
      repair(fixture.store, {.check = beside<TestType>(
                                 [&](TestType& other, int call) {
                                   if (call != 0) return;
                                   other.images().get("image").big_data().set("manifest", "{\"a\":1}");
                                   auto made = other.containers().create("image");
                                   box = made.id().str();
                                   made.mount().keep();
                                 },
                                 fixture.options()),
                             .remove_containers = true});
  INFO(told_of(report.before));
  CHECK(report.before.clean());
  CHECK(report.actions.empty());
  REQUIRE(fixture.store.containers().find(box));
  CHECK(fixture.store.containers().get(box).mount_count() == 1);
  auto const now = fixture.store.images().get("image");
  CHECK(now.record().big_data_digests.at("manifest") ==
        Digest::of(as_bytes(std::string_view("{\"a\":1}"))).str());
}

TEMPLATE_TEST_CASE("a repair removes no image or container that other processes create meanwhile",
                   "[store][repair][threads]", stores::Vfs, stores::Overlay) {
  stores::Fixture<TestType> fixture;
  std::atomic<bool> done = false;
  std::vector<std::string> removed;
  std::thread repairer([&] {
    TestType store(fixture.options());
    while (!done)
      for (auto const& action : repair(store, {.remove_containers = true}).actions) removed.push_back(action);
  });
  std::string failure;
  try {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
      auto const text = std::to_string(i);
      auto const layer = fixture.store.layers().import(memory_source(stores::tar_of({{"file", text}})));
      auto image = fixture.store.images().create({.top_layer = layer.id()});
      image.big_data().set("manifest", text);
      image.big_data().set("manifest", text + text);
      auto box = fixture.store.containers().create(image.id());
      box.big_data().set("state", text);
      fixture.store.containers().remove(box.id());
      fixture.store.images().remove(image.id());
    }
  } catch (std::exception const& error) {
    failure = error.what();
  }
  done = true;
  repairer.join();
  CHECK(failure == "");
  CHECK(removed == std::vector<std::string>{});
}

TEST_CASE("a layer below a mounted one is not unpacked again", "[store][repair]") {
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const layer =
      store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/file", "contents"}})));
  store.images().create({.names = {"image"}, .top_layer = layer.id()});
  auto const tree = fixture.graph() / "overlay" / layer.id().str() / "diff";
  {
    auto const root = store.containers().create("image", {.names = {"box"}}).mount();
    REQUIRE(::chmod((tree / "d/file").c_str(), 0600) == 0);
    damages::write(tree / "extra", "not of the archive");
    auto const report = repair(store);
    CHECK(report.failures.size() >= 1);
    CHECK(report.actions == std::vector<std::string>{});
    CHECK(damages::read(root.path() / "d/file") == "contents");
  }
  auto const report = repair(store);
  CHECK(report.actions.size() == 1);
  CHECK(told_of(report.after).find("d/file") == std::string::npos);
  CHECK(damages::read(tree / "extra") == "not of the archive");
  CHECK(damages::read(store.containers().get("box").mount().path() / "d/file") == "contents");
}

TEMPLATE_TEST_CASE("files that cannot be read at the moment are not treated as damaged", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const split = sample.split(sample.top), data = sample.kind("images") / sample.image / "manifest";
  auto const staging = [&](fs::path const& file) { return sample.directory.path() / file.filename(); };
  for (auto const& file : {split, data}) {
    fs::rename(file, staging(file));
    fs::create_symlink("/proc/self/mem", file);  // to read at its beginning is EIO
  }
  TestType store(sample.options());
  auto const report = repair(store);
  auto const unreadable = std::ranges::count_if(report.after.problems, [](Problem const& found) {
    return found.kind == ProblemKind::unreadable && found.action == RepairAction::none && !found.inherited;
  });
  CHECK(unreadable == 2);
  CHECK(store.layers().find(sample.top));
  CHECK(store.images().find("image"));
  for (auto const& file : {split, data}) {
    REQUIRE(fs::is_symlink(file));
    fs::rename(staging(file), file);
  }
  for (auto const& found : check(store).problems) CHECK(found.severity != Severity::error);
}

namespace {
/// A file system whose server has died, over a directory: all that is asked of it is ENOTCONN.
class DeadMount {
 public:
  explicit DeadMount(fs::path at) : at_(std::move(at)) {
    sys::Fd const fuse = sys::try_open_at(AT_FDCWD, "/dev/fuse", O_RDWR);
    auto const data = "fd=" + std::to_string(fuse.get()) + ",rootmode=40000,user_id=0,group_id=0";
    works_ = fuse && ::mount("dead", at_.c_str(), "fuse", 0, data.c_str()) == 0;
  }
  DeadMount(DeadMount const&) = delete;
  DeadMount& operator=(DeadMount const&) = delete;
  ~DeadMount() { end(); }
  bool works() const { return works_; }
  void end() {
    if (std::exchange(works_, false)) ::umount2(at_.c_str(), MNT_DETACH);
  }

 private:
  fs::path at_;
  bool works_ = false;
};
}  // namespace

TEMPLATE_TEST_CASE("a layer whose directory cannot be read at the moment is not treated as missing",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const before = [&] {
    TestType store(sample.options());
    return damages::snapshot(store, sample);
  }();
  for (auto const& id : {sample.base, sample.top}) {
    DeadMount dead(sample.tree(id));
    if (!dead.works()) {
      WARN("skipped: needs the right to mount FUSE");
      return;
    }
    {
      TestType store(sample.options());
      auto const report = repair(store);
      CHECK(std::ranges::any_of(report.after.problems, [&](Problem const& found) {
        return found.kind == ProblemKind::unreadable && found.id == id;
      }));
      CHECK(report.actions == std::vector<std::string>{});
    }
    dead.end();
    TestType store(sample.options());
    CHECK(damages::snapshot(store, sample) == before);
    CHECK(told_of(check(store)) == "");
  }
}

TEMPLATE_TEST_CASE(
    "a layer without a record whose directory cannot be read at the moment waits for the next repair",
    "[store][repair]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  fs::remove(sample.layers());
  DeadMount dead(sample.tree(sample.base));
  if (!dead.works()) {
    WARN("skipped: needs the right to mount FUSE");
    return;
  }
  TestType store(sample.options());
  CHECK_FALSE(repair(store).after.clean());
  CHECK(store.images().find("image"));
  dead.end();
  CHECK(repair(store).after.clean());
  CHECK(store.layers().find(sample.base));
  CHECK(store.layers().get(sample.top).record().parent == sample.mid);
}

TEST_CASE("a deleted layer tree is reported as missing", "[store][repair]") {
  damages::Sample<stores::Overlay> const sample;
  fs::remove_all(sample.tree(sample.top));
  stores::Overlay store(sample.options());
  auto const found = check(store).problems;
  CHECK(std::ranges::any_of(found, [&](Problem const& f) {
    return f.kind == ProblemKind::tree_missing && f.id == sample.top && !f.inherited;
  }));
}

TEMPLATE_TEST_CASE("no record is reconstructed without data that cannot be read at the moment",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const split = sample.split(sample.top), staging = sample.directory.path() / "staging";
  fs::remove(sample.layers());
  fs::rename(split, staging);
  fs::create_symlink("/proc/self/mem", split);  // to read at its beginning is EIO
  TestType store(sample.options());
  CHECK_FALSE(repair(store).failures.empty());
  CHECK_FALSE(store.layers().find(sample.top));
  for (auto const& id : {sample.base, sample.mid, sample.top, sample.lone})
    CHECK(fs::exists(sample.tree(id)));
  fs::rename(staging, split);
  CHECK(repair(store).after.clean());
  auto const top = store.layers().get(sample.top);
  CHECK_FALSE(top.record().diff_digest.empty());
  CHECK(top.record().parent == sample.mid);
  CHECK(store.images().find("image"));
}

TEMPLATE_TEST_CASE("nothing is removed while some records cannot be read", "[store][repair]", stores::Vfs,
                   stores::Overlay) {
  damages::Sample<TestType> const sample;
  damages::edit(sample.layers(), "\"names\":[", "\"names\":7,\"n\":[");  // of the base
  auto const set_immutable = [&](int flags) {                            // so that the file stays as it is
    auto const file = sys::open_at(AT_FDCWD, sample.layers().parent_path(), O_RDONLY);
    return ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0;
  };
  TestType store(sample.options());
  fs::create_directories(sample.kind("layers") / "tmp");
  if (!set_immutable(FS_IMMUTABLE_FL)) {
    WARN("skipped: needs the right, and a file system, to make a directory immutable");
    return;
  }
  auto const report = repair(store);
  CHECK(set_immutable(0));
  CHECK_FALSE(report.after.clean());
  CHECK_FALSE(report.failures.empty());
  CHECK(fs::exists(sample.tree(sample.base)));
  CHECK(store.images().find("image"));
  CHECK(store.containers().find("box"));
}

TEMPLATE_TEST_CASE("files of a layer that cannot have a record are kept while mounted", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto const records = fixture.graph() / (std::same_as<TestType, stores::Vfs> ? "vfs" : "overlay");
  auto const file = records.native() + "-layers/layers.json";
  store.layers().create({.id = "other"});
  auto const before = damages::read(file);
  store.layers().create({.id = "lost"}).mount().keep();
  damages::write(file, before);
  CHECK_FALSE(repair(store).after.clean());
  CHECK(store.mounted_layers().size() == 1);
  store.shutdown({.force = true});
  CHECK(repair(store).after.clean());
  CHECK(store.storage_layers().list().size() == 1);
}

TEST_CASE("a layer whose archive can be rebuilt is never removed, even if its files cannot be repaired now",
          "[store][repair]") {
  if (::geteuid() != 0) return;  // only root mounts
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const layer = store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/f", "text"}})));
  store.images().create({.names = {"image"}, .top_layer = layer.id().str()});
  auto const file = fixture.graph() / "overlay" / layer.id().str() / "diff/d/f";
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  {
    auto const mount = layer.mount({.read_only = true});  // in use: it cannot be unpacked anew
    auto const report = repair(store);
    CHECK_FALSE(report.before.clean());
    CHECK_FALSE(report.after.clean());
    CHECK_FALSE(report.failures.empty());
  }
  CHECK(store.layers().list().size() == 1);
  CHECK(store.images().list().size() == 1);
  CHECK(repair(store).after.clean());
  CHECK(store.layers().list().size() == 1);
  CHECK(store.images().list().size() == 1);
}

TEST_CASE("a temporary record file of a dead process is removed, even without any record",
          "[store][repair]") {
  stores::Fixture<stores::Vfs> fixture;
  for (auto const* name : {"vfs-images/.tmp-images.json", "vfs-containers/.tmp-containers.json"})
    sys::replace_file(fixture.graph() / name, "[");
  RepairOptions const options{.check = {.leftover_after = std::chrono::seconds(0)}};
  CHECK(repair(fixture.store, options).after.clean());
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-images/.tmp-images.json"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-containers/.tmp-containers.json"));
}
