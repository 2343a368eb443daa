#include <strata/archive/tar_reader.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/driver_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <sched.h>
#include <set>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fs = boost::filesystem;
using strata::ChangeKind;
using strata::Errc;
using strata::Error;
using strata::LayerId;
using strata::archive::EntryType;
using strata::archive::TarHeader;
using strata::drivers::Overlay;

static_assert(strata::LayerDriver<Overlay> && strata::OpenableDriver<Overlay>);
static_assert(strata::DiffDriver<Overlay> && strata::MountDriver<Overlay> && strata::ShutdownDriver<Overlay>);

namespace {

bool can_mount() {
  if (::geteuid() == 0) return true;
  WARN("skipped: overlay mounts need root");
  return false;
}

/// A graph root and a run root; /dev/shm, for overlayfs on overlayfs does not work and tests run in containers too.
struct Place {
  strata::testing::TempDir dir{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  strata::DriverPlace driver_place() const { return {.graph_root = dir / "graph", .run_root = dir / "run"}; }
  fs::path home() const { return dir / "graph/overlay"; }
  Overlay open(Overlay::Options const& options = {}) const { return {driver_place(), options}; }
};

struct File {
  TarHeader header;
  std::string content = {};
};
File file(std::string name, std::string content) {
  TarHeader header{.name = std::move(name), .mode = 0644, .mtime = {.seconds = 1000}};
  header.size = static_cast<std::int64_t>(content.size());
  return {std::move(header), std::move(content)};
}
File directory(std::string name) {
  return {{.name = std::move(name), .type = EntryType::directory, .mode = 0755, .mtime = {.seconds = 1000}}};
}

void add(Overlay::Staged& staged, std::vector<File> const& files) {
  for (auto const& f : files) {
    auto body = strata::memory_source(f.content);
    staged.add(f.header, body);
  }
  staged.finish();
}
LayerId put(Overlay& driver, std::string const& id, std::optional<LayerId> const& parent,
            std::vector<File> const& files = {}) {
  auto staged = driver.stage({.parent = parent, .flush = strata::Flush::none});
  add(staged, files);
  driver.publish(LayerId(id), std::move(staged));
  return LayerId(id);
}

std::string read(fs::path const& path) {
  fs::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::string file_of(Overlay const& driver, LayerId const& id, std::string_view name) {
  std::string text;
  auto sink = strata::string_sink(text);
  driver.copy_file(id, name, sink);
  return text;
}
mode_t mode_of(fs::path const& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}
std::set<std::string> names_in(fs::path const& path) {
  std::set<std::string> names;
  for (auto const& entry : fs::directory_iterator(path)) names.insert(entry.path().filename().native());
  return names;
}
/// The code of the Error that `call` throws.
std::error_code code_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}
/// Entries of a diff: name -> header.
std::map<std::string, TarHeader> entries_of(Overlay const& driver, LayerId const& id,
                                            std::optional<LayerId> const& parent,
                                            std::vector<std::string>* order = {}) {
  std::string tar;
  {
    auto sink = strata::string_sink(tar);
    strata::archive::TarWriter writer(sink);
    driver.diff({id, parent}, writer);
    writer.finish();
  }
  auto source = strata::memory_source(tar);
  strata::archive::TarReader reader(source);
  std::map<std::string, TarHeader> entries;
  for (TarHeader header; reader.next(header);) {
    if (order != nullptr) order->push_back(header.name);
    entries.emplace(header.name, header);
  }
  return entries;
}

}  // namespace

TEST_CASE("drivers::Overlay keeps the driver contract", "[drivers][overlay]") {
  if (!can_mount()) return;
  strata::testing::TempDir const dir;
  try {
    Overlay({.graph_root = dir / "graph", .run_root = dir / "run"}, {}).shutdown();
  } catch (Error const& error) {
    if (error.code() != Errc::driver_unusable) throw;
    WARN("skipped: " << error.what());
    return;
  }
  strata::testing::driver_suite<Overlay>();
}

TEST_CASE("a new overlay home looks as containers-storage makes it", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  CHECK(mode_of(place.home()) == 0700);
  CHECK(mode_of(place.home() / "l") == 0755);
  CHECK(read(place.home() / ".has-mount-program") == "false");
  CHECK(mode_of(place.home() / ".has-mount-program") == 0600);
  CHECK(names_in(place.home()) == std::set<std::string>{"l", ".has-mount-program"});
  CHECK(names_in(place.dir / "run/overlay") ==
        std::set<std::string>{"overlay-true", "metacopy()-false", "native-diff()-true"});
  auto const mount = strata::sys::find_mount(place.home());
  REQUIRE(mount);
  CHECK(mount->propagation.empty());

  SECTION("opening again adds no mount, shutdown takes it away") {
    auto again = place.open();
    CHECK(strata::sys::mounts_below(place.home()).size() == 1);
    again.shutdown();
    CHECK(strata::sys::mounts_below(place.home()).empty());
    again.shutdown();
  }
  SECTION("a cached answer is believed") {
    driver.shutdown();
    fs::rename(place.dir / "run/overlay/native-diff()-true", place.dir / "run/overlay/native-diff()-false");
    auto const status = place.open().status();
    CHECK(status.at(2) == std::pair<std::string, std::string>("Native Overlay Diff", "false"));
  }
}

TEST_CASE("overlay status names what the Go program names", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto const status = place.open().status();
  std::vector<std::string> keys;
  for (auto const& [key, value] : status) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"Backing Filesystem", "Supports d_type", "Native Overlay Diff",
                                         "Using metacopy", "Supports shifting", "Supports volatile"});
  CHECK(status[1].second == "true");
  CHECK(status[3].second == "false");
  CHECK(fs::exists(place.dir / "run/overlay/volatile-true"));
}

TEST_CASE("skip_mount_home leaves the mount table alone", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open({.skip_mount_home = true});
  CHECK(strata::sys::mounts_below(place.home()).empty());
}

TEST_CASE("opening for reading makes and changes nothing", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto writer = place.open();
  auto const base = put(writer, "base", {}, {file("f", "text")});
  writer.shutdown();
  fs::remove_all(place.dir / "run");
  auto options = place.driver_place();
  options.read_only = true;
  Overlay driver(options, {});
  CHECK(!fs::exists(place.dir / "run"));
  CHECK(strata::sys::mounts_below(place.home()).empty());
  CHECK(driver.exists(base));
  CHECK(file_of(driver, base, "f") == "text");
  CHECK(driver.changes({base}).size() == 1);
  CHECK(code_of([&] { driver.stage({}); }) == Errc::store_read_only);
  CHECK(code_of([&] { driver.remove(base); }) == Errc::store_read_only);
  driver.recover();
  SECTION("it can be mounted all the same, below the run root") {
    auto const path = driver.mount(base, {});
    CHECK(path == place.dir / "run/overlay/base/merged");
    CHECK(read(path / "f") == "text");
    CHECK(!fs::ofstream(path / "new").is_open());
    driver.unmount(base);
  }
}

TEST_CASE("layer directories have all files of release 1.63 and before", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {}, {directory("d"), file("d/f", "1")});
  auto const middle = put(driver, "middle", base);
  auto const top = put(driver, "top", middle);
  auto const home = place.home();

  CHECK(names_in(home / "base") == std::set<std::string>{"diff", "empty", "link", "merged", "work"});
  CHECK(names_in(home / "top") ==
        std::set<std::string>{"diff", "link", "lower", "lower-layers", "merged", "work"});
  CHECK(mode_of(home / "base") == 0700);
  CHECK(mode_of(home / "base/diff") == 0555);
  CHECK(mode_of(home / "base/work") == 0700);
  CHECK(mode_of(home / "base/merged") == 0700);
  CHECK(mode_of(home / "base/empty") == 0700);
  CHECK(mode_of(home / "base/link") == 0644);
  CHECK(mode_of(home / "top/diff") == 0555);
  auto const base_link = read(home / "base/link");
  auto const middle_link = read(home / "middle/link");
  CHECK(base_link.size() == 26);
  CHECK(base_link.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == std::string::npos);
  CHECK(fs::read_symlink(home / "l" / base_link) == "../base/diff");
  CHECK(read(home / "top/lower") == "l/" + middle_link + ":l/" + base_link);
  CHECK(read(home / "top/lower-layers") == "middle:base");
  CHECK(mode_of(home / "top/lower") == 0644);
  CHECK(mode_of(home / "top/lower-layers") == 0644);
  CHECK(driver.list() == std::vector<LayerId>{base, middle, top});
  CHECK(names_in(home / "tempdirs").empty());
  driver.recover();
  CHECK(!fs::exists(home / "tempdirs"));

  SECTION("the root of a child's tree has its parent's permissions and owner") {
    fs::permissions(home / "top/diff", fs::perms(0751));
    REQUIRE(::chown((home / "top/diff").c_str(), 12, 34) == 0);
    put(driver, "child", top);
    CHECK(mode_of(home / "child/diff") == 0751);
    struct stat status {};
    REQUIRE(::stat((home / "child/diff").c_str(), &status) == 0);
    CHECK(status.st_uid == 12);
    CHECK(status.st_gid == 34);
  }
  SECTION("a full flush changes nothing of it") {
    auto staged = driver.stage({.parent = base, .flush = strata::Flush::full});
    add(staged, {file("x", "y")});
    driver.publish(LayerId("flushed"), std::move(staged));
    CHECK(names_in(home / "flushed") == names_in(home / "top"));
    CHECK(file_of(driver, LayerId("flushed"), "x") == "y");
  }
}

TEST_CASE("publishing refuses what would not become a layer", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {});
  CHECK(code_of([&] { put(driver, "base", {}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { put(driver, "x", LayerId("nobody")); }) == Errc::layer_unknown);
  for (auto const* id : {"l", "staging", "tempdirs", ".hidden", "a:b"})
    CHECK(code_of([&] { put(driver, id, {}); }) == Errc::invalid_id);
  SECTION("a parent that has gone") {
    auto staged = driver.stage({.parent = base});
    driver.remove(base);
    CHECK(code_of([&] { driver.publish(LayerId("x"), std::move(staged)); }) == Errc::layer_unknown);
  }
  SECTION("a parent that has become another") {
    auto staged = driver.stage({.parent = base});
    driver.remove(base);
    put(driver, "base", {});
    CHECK(code_of([&] { driver.publish(LayerId("x"), std::move(staged)); }) == Errc::layer_unknown);
  }
  CHECK(!driver.exists(LayerId("x")));
  CHECK(names_in(place.home() / "l").size() == driver.list().size());
  CHECK(names_in(place.home() / "tempdirs").empty());
}

TEST_CASE("removal leaves nothing, also of a mounted layer", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {}, {file("f", "1")});
  auto const top = put(driver, "top", base);
  driver.mount(top, {});
  auto trash = driver.remove(top);
  CHECK(!driver.exists(top));
  CHECK(!fs::exists(place.home() / "top"));
  trash.empty();
  CHECK(names_in(place.home() / "tempdirs").empty());
  CHECK(names_in(place.home() / "l").size() == 1);
  CHECK(read(place.home() / "base/diff/f") == "1");
  driver.remove(top).empty();  // nothing there: nothing happens
  driver.remove(LayerId("l")).empty();
  CHECK(fs::exists(place.home() / "l"));
}

TEST_CASE("recover removes what the dead left", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  put(driver, "base", {});
  fs::create_directories(place.home() / "tempdirs/temp-dir-77/0-addition/diff");
  fs::ofstream(place.home() / "tempdirs/lock-77");
  auto const live = driver.stage({});
  driver.recover();
  CHECK(!fs::exists(place.home() / "tempdirs/temp-dir-77"));
  CHECK(names_in(place.home() / "tempdirs").size() == 2);  // of `live`
}

TEST_CASE(
    "what the dead left mounted in a temp-dir is unmounted and removed before the home's mount hides it",
    "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto const left = place.home() / "tempdirs/temp-dir-77";
  bool const opened_before = GENERATE(false, true);
  if (opened_before) place.open().shutdown();
  fs::create_directories(left / "0-addition/merged");
  fs::ofstream(place.home() / "tempdirs/lock-77");
  auto const kept = place.dir / "kept";
  fs::create_directory(kept);
  fs::ofstream(kept / "file") << "x";
  REQUIRE(::mount(kept.c_str(), (left / "0-addition/merged").c_str(), nullptr, MS_BIND, nullptr) == 0);
  auto driver = place.open();
  driver.recover();
  CHECK_FALSE(fs::exists(place.home() / "tempdirs"));
  CHECK(strata::sys::mounts_below(left.parent_path()).empty());
  CHECK(fs::exists(kept / "file"));
  driver.shutdown();
  CHECK(strata::sys::mounts_below(place.home()).empty());
}

TEST_CASE("recovering disturbs nobody who stages, publishes or removes", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {});
  std::atomic<bool> done = false;
  std::jthread recoverer([&] {
    auto other = place.open();
    while (!done) {
      other.recover();
      std::this_thread::sleep_for(
          std::chrono::microseconds(200));  // a store is opened now and then, not all the time
    }
  });
  for (int i = 0; i < 60; ++i) {
    auto const id = put(driver, "layer" + std::to_string(i), base, {file("f", "1")});
    if (i % 2 != 0) driver.remove(id).empty();
  }
  done = true;
  CHECK(driver.list().size() == 31);
  CHECK(names_in(place.home() / "l").size() == 31);
  for (auto const& id : driver.list())
    CHECK(fs::exists(place.home() / "l" / read(place.home() / id.str() / "link")));
}

TEST_CASE("a layer whose link cannot be made is not there", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto staged = driver.stage({});
  staged.finish();
  fs::remove_all(place.home() / "l");
  fs::ofstream(place.home() / "l");
  CHECK_THROWS_AS(driver.publish(LayerId("x"), std::move(staged)), Error);
  CHECK(!driver.exists(LayerId("x")));
  CHECK(names_in(place.home() / "tempdirs").empty());
}

TEST_CASE("mounting shows the layers one above the other", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base =
      put(driver, "base", {}, {file("a", "old"), file("b", "b"), directory("d"), file("d/x", "x")});
  auto const top = put(
      driver, "top", base,
      {file("a", "new"), file(".wh.b", ""), directory("d"), file("d/.wh..wh..opq", ""), file("d/y", "y")});
  CHECK(!driver.is_mounted(top));
  auto const path = driver.mount(top, {});
  CHECK(path == place.home() / "top/merged");
  CHECK(driver.mount_path(top) == path);
  CHECK(driver.is_mounted(top));
  CHECK(names_in(path) == std::set<std::string>{"a", "d"});
  CHECK(read(path / "a") == "new");
  CHECK(names_in(path / "d") == std::set<std::string>{"y"});
  CHECK(code_of([&] { driver.mount(top, {}); }) == Errc::layer_used_by_container);
  fs::ofstream(path / "written") << "by a container";
  driver.unmount(top);
  CHECK(!driver.is_mounted(top));
  CHECK(fs::is_directory(path));
  driver.unmount(top);
  CHECK(read(place.home() / "top/diff/written") == "by a container");

  SECTION("read-only") {
    for (auto const& id : {base, top}) {
      auto const at = driver.mount(id, {.read_only = true});
      CHECK(fs::exists(at / "a"));
      CHECK(!fs::ofstream(at / "more").is_open());
      driver.unmount(id);
    }
  }
  SECTION("with options of mount(8), and a missing mount point") {
    fs::remove(path);
    driver.mount(top, {.options = {"nodev", "noexec"}});
    auto const mount = strata::sys::find_mount(path);
    REQUIRE(mount);
    CHECK(mount->options.find("nodev") != std::string::npos);
    CHECK(mount->options.find("noexec") != std::string::npos);
    driver.unmount(top);
  }
  SECTION("configured options count where the caller gives none; metacopy only if the kernel does it") {
    driver.shutdown();
    auto configured = place.open({.mountopt = "nodev,metacopy=on"});
    configured.mount(top, {});
    auto const mount = strata::sys::find_mount(path);
    REQUIRE(mount);
    CHECK(mount->options.find("nodev") != std::string::npos);
    configured.unmount(top);
  }
  SECTION("volatile, twice") {
    for (int i = 0; i < 2; ++i) {
      driver.mount(top, {.is_volatile = true});
      auto const mount = strata::sys::find_mount(path);
      REQUIRE(mount);
      CHECK(mount->super_options.find("volatile") != std::string::npos);
      REQUIRE(::umount2(path.c_str(), MNT_DETACH) == 0);
    }
  }
  SECTION("an option that the kernel does not know is an error and no mount") {
    CHECK_THROWS_AS(driver.mount(top, {.options = {"no_such_option=1"}}), Error);
    CHECK(!driver.is_mounted(top));
  }
  CHECK(code_of([&] { driver.mount(LayerId("nobody"), {}); }) == Errc::layer_unknown);
}

TEST_CASE("hundreds of layers mount", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  std::optional<LayerId> last;
  for (int i = 0; i <= 300; ++i) {
    auto const number = std::to_string(i);
    last = put(driver, std::string(64 - number.size(), 'a') + number, last, {file("f" + number, number)});
    if (i != 130 && i != 300) continue;
    auto const path = driver.mount(*last, {});
    CHECK(names_in(path).size() == static_cast<std::size_t>(i) + 1);
    CHECK(read(path / "f0") == "0");
    driver.unmount(*last);
    driver.mount(*last, {.read_only = true});
    CHECK(names_in(path).size() == static_cast<std::size_t>(i) + 1);
    driver.unmount(*last);
  }
}

TEST_CASE("a store with commas, colons and blanks in its path mounts", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  fs::path const odd = place.dir / "odd, a:b \\c";
  Overlay driver({.graph_root = odd / "graph", .run_root = odd / "run"}, {});
  auto const base = put(driver, "base", {}, {file("f", "1")});
  auto const top = put(driver, "top", base);
  auto const path = driver.mount(top, {});
  CHECK(read(path / "f") == "1");
  CHECK(driver.is_mounted(top));
  driver.unmount(top);
  driver.shutdown();
}

TEST_CASE("native changes, diff and size", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {},
                        {directory("d"), file("d/sub", "1"), directory("etc"), file("etc/hello", "1"),
                         directory("opq"), file("opq/old", "1"), file("gone", "1"), file("gone2", "1")});
  auto const top = put(driver, "top", base);
  auto const path = driver.mount(top, {});
  fs::remove(path / "d/sub");
  fs::ofstream(path / "etc/hello") << "longer";
  fs::ofstream(path / "etc/new") << "new";
  fs::create_hard_link(path / "etc/new", path / "etc/new2");
  fs::remove_all(path / "opq");
  fs::create_directory(path / "opq");
  fs::ofstream(path / "opq/new") << "x";
  fs::remove(path / "gone");
  fs::remove(path / "gone2");
  driver.unmount(top);

  auto const changes = driver.changes({top, base});
  std::vector<strata::Change> const expected = {
      {"/d", ChangeKind::modify},         {"/d/sub", ChangeKind::remove}, {"/etc", ChangeKind::modify},
      {"/etc/hello", ChangeKind::modify}, {"/etc/new", ChangeKind::add},  {"/etc/new2", ChangeKind::add},
      {"/gone", ChangeKind::remove},      {"/gone2", ChangeKind::remove}, {"/opq", ChangeKind::remove},
      {"/opq/new", ChangeKind::add}};
  CHECK(changes == expected);
  CHECK(driver.diff_size({top, base}) == 6 + 3 + 1);

  std::vector<std::string> order;
  auto const entries = entries_of(driver, top, base, &order);
  CHECK(order == std::vector<std::string>{"d/", "d/.wh.sub", "etc/", "etc/hello", "etc/new", "etc/new2",
                                          ".wh.gone", ".wh.gone2", "opq/", "opq/.wh..wh..opq", "opq/new"});
  CHECK(entries.at("etc/new2").type == EntryType::hard_link);
  CHECK(entries.at("etc/new2").link_name == "etc/new");
  CHECK(entries.at("d/.wh.sub").mode == 0);
  CHECK(entries.at("d/.wh.sub").type == EntryType::regular);
  CHECK(entries.at("opq/.wh..wh..opq").mode == 0755);

  SECTION("compared with another layer than the parent, the trees are") {
    auto const third = put(driver, "third", top, {file("more", "1")});
    auto const all = driver.changes({third, base});
    CHECK(std::find(all.begin(), all.end(), strata::Change{"/more", ChangeKind::add}) != all.end());
    CHECK(std::find(all.begin(), all.end(), strata::Change{"/gone", ChangeKind::remove}) != all.end());
    CHECK(driver.changes({top}).size() == 7);
    CHECK(entries_of(driver, third, base).count(".wh.gone") == 1);
    CHECK(driver.diff_size({third, base}) == 6 + 3 + 1 + 1);
    CHECK(!driver.is_mounted(third));
    CHECK(names_in(place.home() / "tempdirs").empty());
    CHECK(strata::sys::mounts_below(place.home()).size() == 1);
  }
  SECTION("a base layer is all additions") {
    auto const all = driver.changes({base});
    CHECK(all.size() == 8);
    for (auto const& change : all) CHECK(change.kind == ChangeKind::add);
    CHECK(driver.diff_size({base}) == 5);
  }
  SECTION("what a lower layer hid is new when it comes back") {
    auto const back = put(driver, "back", top, {file("gone", "2"), directory("opq"), file("opq/old", "2")});
    auto const again = driver.changes({back, top});
    CHECK(std::find(again.begin(), again.end(), strata::Change{"/gone", ChangeKind::add}) != again.end());
    CHECK(std::find(again.begin(), again.end(), strata::Change{"/opq/old", ChangeKind::add}) != again.end());
  }
  SECTION("the diff unpacked again is the same layer") {
    auto staged = driver.stage({.parent = base, .flush = strata::Flush::none});
    std::string tar;
    auto sink = strata::string_sink(tar);
    strata::archive::TarWriter writer(sink);
    driver.diff({top, base}, writer);
    writer.finish();
    auto source = strata::memory_source(tar);
    strata::archive::TarReader reader(source);
    for (TarHeader header; reader.next(header);) staged.add(header, reader);
    staged.finish();
    driver.publish(LayerId("copy"), std::move(staged));
    CHECK(driver.changes({LayerId("copy"), base}) == changes);
  }
}

TEST_CASE("a comparison sees what it began with, whoever unmounts or shuts down meanwhile",
          "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const one = put(driver, "one", {}, {file("same", "1"), file("x", "1")});
  auto const two =
      put(driver, "two", {}, {file("same", "1"), file("a", "1"), file("b", "2"), file("c", "3")});
  bool const is_mounted = GENERATE(true, false);
  if (is_mounted) driver.mount(two, {});
  auto other = place.open();
  struct Meddler {
    std::function<void()> once;
    std::string* out;
    void write(strata::Bytes bytes) {
      if (once) std::exchange(once, {})();
      *out += strata::as_text(bytes);
    }
  };
  std::string tar;
  strata::Sink sink = Meddler{[&] {
                                other.unmount(two);
                                other.shutdown();
                              },
                              &tar};
  strata::archive::TarWriter writer(sink);
  driver.diff({two, one}, writer);
  writer.finish();
  auto source = strata::memory_source(tar);
  strata::archive::TarReader reader(source);
  std::set<std::string> names;
  for (TarHeader header; reader.next(header);) names.insert(header.name);
  CHECK(names == std::set<std::string>{".wh.x", "a", "b", "c"});
  driver.resume();
  driver.recover();
  CHECK_FALSE(fs::exists(place.home() / "tempdirs"));
  CHECK(!fs::exists(place.dir / "run/overlay/tempdirs"));
}

TEST_CASE("native changes tell of whiteouts and of what replaced something, as the Go program does",
          "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base =
      put(driver, "base", {}, {file("x", "1"), directory("d"), file("d/one", "1"), file("d/two", "1")});
  auto const top =
      put(driver, "top", base,
          {directory("d"), file("d/one", "2"), file("d/.wh.two", ""), file(".wh.never-there", ""),
           file(".wh.x", ""), directory("x"), file("x/below", "1")});
  // Only what is in "d" tells that it changed: it is listed all the same, and first. A whiteout of nothing is not made.
  CHECK(driver.changes({top, base}) == std::vector<strata::Change>{{"/d", ChangeKind::modify},
                                                                   {"/d/one", ChangeKind::modify},
                                                                   {"/d/two", ChangeKind::remove},
                                                                   {"/x", ChangeKind::remove},
                                                                   {"/x/below", ChangeKind::add}});
}

TEST_CASE("a whiteout of what was never there is no change of a layer against itself", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base =
      put(driver, "base", {}, {directory("d"), directory("d/e"), file("d/e/.wh.never-there", "")});
  auto const other = put(driver, "other", {}, {directory("d")});
  CHECK(driver.changes({base, base}).empty());
  CHECK(driver.changes({other, base}) ==
        std::vector<strata::Change>{{"/d", ChangeKind::modify}, {"/d/e", ChangeKind::remove}});
}

TEST_CASE("files are found where an archive put them", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base =
      put(driver, "base", {}, {file("below", "base"), file("gone", "base"), file("both", "base")});
  TarHeader const link{.name = "link", .link_name = "/etc", .type = EntryType::symlink};
  auto const top = put(driver, "top", base,
                       {directory("./etc"),
                        file("./etc/f", "text"),
                        {link},
                        file("/abs", "1"),
                        file(".wh.gone", ""),
                        file("both", "top"),
                        file("big", std::string(1 << 20, 'x')),
                        file("empty", "")});
  CHECK(file_of(driver, top, "etc/f") == "text");
  CHECK(file_of(driver, top, "./etc/f") == "text");
  CHECK(file_of(driver, top, "/etc/../etc/f") == "text");
  CHECK(file_of(driver, top, "../../abs") == "1");
  CHECK(file_of(driver, top, "link/f") == "text");
  CHECK(file_of(driver, top, "below") == "base");
  CHECK(file_of(driver, top, "both") == "top");
  CHECK(file_of(driver, top, "big") == std::string(1 << 20, 'x'));
  CHECK(file_of(driver, top, "empty").empty());
  for (auto const* name : {"gone", "nothing", "etc", "link", "etc/f/x", "", "/"})
    CHECK(code_of([&] { file_of(driver, top, name); }) == Errc::data_unknown);
  CHECK(code_of([&] { file_of(driver, LayerId("nobody"), "f"); }) == Errc::layer_unknown);

  SECTION("from several threads") {
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          std::string text;
          auto sink = strata::string_sink(text);
          driver.copy_file(t % 2 != 0 ? top : base, "both", sink);
          right += text == (t % 2 != 0 ? "top" : "base") ? 1 : 0;
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(right == 800);
  }
  SECTION("a layer made anew under the same id is noticed") {
    auto other = place.open();
    CHECK(file_of(driver, top, "both") == "top");
    other.remove(top).empty();
    CHECK(code_of([&] { file_of(driver, top, "both"); }) == Errc::layer_unknown);
    put(other, "top", base, {file("both", "anew")});
    CHECK(file_of(driver, top, "both") == "anew");
  }
}

TEST_CASE("replace exchanges the contents", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {}, {file("a", "1"), directory("d"), file("d/x", "1")});
  auto const top = put(driver, "top", base,
                       {file("b", "1"), file(".wh.a", ""), directory("d"), file("d/.wh..wh..opq", "")});
  SECTION("by something new") {
    auto staged = driver.stage({.parent = base});
    add(staged, {file("c", "1")});
    driver.replace(top, staged);
    CHECK(names_in(place.home() / "top/diff") == std::set<std::string>{"c"});
  }
  SECTION("by a changed copy of its own") {
    auto staged = driver.stage({.parent = base, .copy_of = top});
    add(staged, {file("c", "1"), file("b", "2")});
    driver.replace(top, staged);
    auto const path = driver.mount(top, {});
    CHECK(names_in(path) == std::set<std::string>{"b", "c", "d"});
    CHECK(read(path / "b") == "2");
    CHECK(names_in(path / "d").empty());
    driver.unmount(top);
  }
  SECTION("not while it is mounted") {
    driver.mount(top, {});
    auto staged = driver.stage({.parent = base});
    CHECK(code_of([&] { driver.replace(top, staged); }) == Errc::layer_used_by_container);
    driver.unmount(top);
  }
  CHECK(code_of([&] {
          auto staged = driver.stage({});
          driver.replace(LayerId("nobody"), staged);
        }) == Errc::layer_unknown);
  CHECK(names_in(place.home() / "tempdirs").empty());
}

TEST_CASE("lost links are repaired when a child needs them", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open();
  auto const base = put(driver, "base", {}, {file("f", "1")});
  auto const top = put(driver, "top", base);
  auto const link = read(place.home() / "base/link");
  auto const top_link = read(place.home() / "top/link");
  SECTION("the entry of l/") {
    fs::remove(place.home() / "l" / link);
    put(driver, "child", base);
    CHECK(fs::read_symlink(place.home() / "l" / link) == "../base/diff");
  }
  SECTION("the link file") {
    fs::remove(place.home() / "base/link");
    put(driver, "child", base);
    CHECK(read(place.home() / "base/link") == link);
    CHECK(read(place.home() / "child/lower") == "l/" + link);
  }
  SECTION("both") {
    fs::remove(place.home() / "base/link");
    fs::remove(place.home() / "l" / link);
    put(driver, "child", base);
    CHECK(read(place.home() / "child/lower") == "l/" + read(place.home() / "base/link"));
  }
  SECTION("layers of 1.43 mount by lower and l/, even if an entry of l/ is lost") {
    fs::remove(place.home() / "top/lower-layers");
    fs::remove(place.home() / "l" / link);
    auto const path = driver.mount(top, {});
    CHECK(read(path / "f") == "1");
    driver.unmount(top);
  }
  SECTION("the child of a layer of 1.43 has both lists") {
    fs::remove(place.home() / "top/lower-layers");
    put(driver, "child", top);
    CHECK(read(place.home() / "child/lower-layers") == "top:base");
  }
  SECTION("the child of a layer without lower has both lists") {
    fs::remove(place.home() / "top/lower");
    put(driver, "child", top);
    CHECK(read(place.home() / "child/lower") == "l/" + top_link + ":l/" + link);
  }
  SECTION("a layer below that is gone is named") {
    driver.remove(base);
    CHECK(code_of([&] { driver.mount(top, {}); }) == Errc::parent_unknown);
  }
}

TEST_CASE("layers of an image store are parents and mount read-only", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place images;
  {
    auto driver = images.open();
    put(driver, "base", {}, {file("f", "1")});
    put(driver, "image", LayerId("base"), {file("g", "2")});
    driver.shutdown();
  }
  Place place;
  auto driver = place.open({.image_stores = {images.dir / "graph"}});
  CHECK(driver.exists(LayerId("image")));
  CHECK(driver.list().empty());
  put(driver, "box", LayerId("image"), {file("h", "3")});
  auto const path = driver.mount(LayerId("box"), {});
  CHECK(names_in(path) == std::set<std::string>{"f", "g", "h"});
  driver.unmount(LayerId("box"));
  auto const shown = driver.mount(LayerId("image"), {});
  CHECK(shown == place.dir / "run/overlay/image/merged");
  CHECK(names_in(shown) == std::set<std::string>{"f", "g"});
  CHECK(driver.is_mounted(LayerId("image")));
  driver.unmount(LayerId("image"));
  CHECK(driver.changes({LayerId("box"), LayerId("image")}).size() == 1);
  CHECK(file_of(driver, LayerId("box"), "f") == "1");
}

TEST_CASE("a mount program is run as <program> -o <data> <target> in the home", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto const program = place.dir / "mounter";
  fs::ofstream(program) << "#!/bin/sh\npwd >'" << (place.dir / "log").native() << "'\necho \"$@\" >>'"
                        << (place.dir / "log").native() << "'\nexec mount -t overlay overlay \"$@\"\n";
  fs::permissions(program, fs::perms(0755));
  auto driver = place.open({.mount_program = program});
  CHECK(read(place.home() / ".has-mount-program") == "true");
  auto const base = put(driver, "base", {}, {file("f", "1")});
  auto const top = put(driver, "top", base);
  auto const path = driver.mount(top, {});
  CHECK(read(path / "f") == "1");
  auto const home = place.home().native();
  CHECK(read(place.dir / "log") == home + "\n-o lowerdir=" + home + "/base/diff,upperdir=" + home +
                                       "/top/diff,workdir=" + home + "/top/work " + path.native() + "\n");
  driver.unmount(top);
  auto const volatile_path = driver.mount(top, {.is_volatile = true});
  CHECK_THAT(read(place.dir / "log"), Catch::Contains("/top/work,volatile " + volatile_path.native()));
  driver.unmount(top);
  auto const status = driver.status();
  CHECK(std::find(status.begin(), status.end(),
                  std::pair<std::string, std::string>{"Supports volatile", "true"}) != status.end());
  CHECK(std::find(status.begin(), status.end(),
                  std::pair<std::string, std::string>{"Native Overlay Diff", "false"}) != status.end());
  fs::ofstream(program) << "#!/bin/sh\necho not today >&2\nexit 3\n";
  CHECK_THROWS_WITH(driver.mount(top, {}), Catch::Contains("using mount program " + program.native()) &&
                                               Catch::Contains(": not today: exit status 3"));
}

TEST_CASE("a mount that is refused because another namespace has the layer says so", "[drivers][overlay]") {
  if (!can_mount()) return;
  Place place;
  auto driver = place.open({.mountopt = "index=on"});  // only then does the kernel refuse
  auto const base = put(driver, "base", {}, {file("f", "1")});
  auto const top = put(driver, "top", base);
  driver.mount(top, {});
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    bool const apart =
        ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (::write(ends[1], apart ? "y" : "n", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char apart = 'n';
  CHECK(::read(ends[0], &apart, 1) == 1);
  driver.unmount(top);
  auto const said_of = [&](strata::MountRequest const& request) {
    try {
      driver.mount(top, request);
    } catch (Error const& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  auto const said = said_of({});
  strata::IdMap const map{{.container_id = 0, .host_id = 100'000, .size = 65'536}};
  auto const said_of_mapped = driver.shifts({map, map}) ? said_of({.maps = {map, map}}) : said;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  REQUIRE(apart == 'y');
  if (said == "nothing was thrown") {
    WARN("this kernel mounts a layer twice");
    return;
  }
  for (auto const& text : {said, said_of_mapped})
    CHECK_THAT(text, Catch::StartsWith("mount overlay ") &&
                         Catch::Contains("(process " + std::to_string(child) + ", mount namespace ") &&
                         Catch::Contains("Device or resource busy"));
}
