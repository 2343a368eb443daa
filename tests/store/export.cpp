#include <strata/archive/tar_reader.hpp>
#include <strata/fs.hpp>
#include <strata/store/export.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <algorithm>
#include <cerrno>
#include <concepts>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace strata;
using stores::code_of;
using stores::diff_of;
using stores::Fixture;
using stores::tar_of;

namespace {

std::vector<std::string> names_in(std::string const& tar) {
  Source source = memory_source(tar);
  archive::TarReader reader(source);
  archive::TarHeader header;
  std::vector<std::string> out;
  while (reader.next(header)) out.push_back(header.name);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEMPLATE_TEST_CASE("changes of a container come as a list, a size and a tar", "[store][export]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().import(
      memory_source(tar_of({{"etc/", ""}, {"etc/gone", "1"}, {"etc/kept", "22"}, {"var/", ""}})),
      {.id = "base"});
  store.images().create({.id = "image", .top_layer = "base"});
  auto const box = store.containers().create("image");
  {
    auto const mounted = box.mount();
    fs::remove(mounted.path() / "etc/gone");
    fs::ofstream(mounted.path() / "etc/kept") << "333";
    fs::ofstream(mounted.path() / "var/new") << "4444";
  }
  CHECK(box.changes() == std::vector<Change>{{"/etc", ChangeKind::modify},
                                             {"/etc/gone", ChangeKind::remove},
                                             {"/etc/kept", ChangeKind::modify},
                                             {"/var", ChangeKind::modify},
                                             {"/var/new", ChangeKind::add}});
  CHECK(box.diff_size() == 7);
  auto const tar = diff_of(box);
  auto entries = names_in(tar);
  std::ranges::sort(entries);
  CHECK(entries == Names{"etc/", "etc/.wh.gone", "etc/kept", "var/", "var/new"});

  auto const again = store.layers().import(memory_source(tar), {.id = "commit", .parent = "base"});
  CHECK(again.changes() == box.changes());
  CHECK(diff_of(again) == tar);

  auto const same = again.changes(box.record().layer);
  CHECK(same.empty());
  CHECK(again.changes("nothing") ==
        again.changes());  // an unknown layer means the parent, as in containers/storage
  auto const base = store.layers().get("base");
  CHECK(stores::code_of([&] { static_cast<void>(base.changes("nothing")); }) ==
        Errc::layer_unknown);  // and there is none
  CHECK(stores::code_of([&] { static_cast<void>(base.diff_size("nothing")); }) == Errc::layer_unknown);
  CHECK(stores::code_of([&] { diff_of(base, DiffOptions{.against = "nothing"}); }) == Errc::layer_unknown);
}

TEMPLATE_TEST_CASE("a diff against a layer other than the parent is made from the files", "[store][export]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.import(memory_source(tar_of({{"one", "1"}})), {.id = "one"});
  layers.import(memory_source(tar_of({{"two", "2"}})), {.id = "two", .parent = "one"});
  auto const top = layers.import(memory_source(tar_of({{"three", "3"}})), {.id = "three", .parent = "two"});
  CHECK(names_in(diff_of(top, DiffOptions{.against = "one"})) == Names{"three", "two"});
}

TEMPLATE_TEST_CASE("the diff of an empty layer without a tar-split is an empty tar", "[store][export]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  CHECK(diff_of(fixture.store.layers().create()) == std::string(1024, '\0'));
}

TEMPLATE_TEST_CASE("an export detects a file that differs from the import", "[store][export]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto const layer = fixture.store.layers().import(memory_source(tar_of({{"file", "right"}})), {.id = "one"});
  fs::path const file = [&] {
    for (auto const& entry : fs::recursive_directory_iterator(fixture.graph()))
      if (entry.path().filename() == "file" && entry.path().native().find("merged") == std::string::npos)
        return entry.path();
    return fs::path();
  }();
  fs::ofstream(file) << "wrong";
  CHECK(code_of([&] { diff_of(layer); }) == Errc::file_changed);
  fs::remove(file);
  CHECK(code_of([&] { diff_of(layer); }) == Errc::corrupt_tar_split);
}

TEST_CASE("a damaged tar-split is an error, a missing one is made from the files", "[store][export]") {
  Fixture<stores::Vfs> fixture;
  auto const layer =
      fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})), {.id = "one"});
  auto const split = fixture.graph() / "vfs-layers/one.tar-split.gz";
  auto const whole = sys::read_file(split);
  for (auto const size : {std::size_t{0}, whole.size() / 2}) {
    fs::ofstream(split, std::ios::trunc) << whole.substr(0, size);
    CHECK(code_of([&] { diff_of(layer); }) == Errc::corrupt_tar_split);
  }
  fs::remove(split);
  CHECK(names_in(diff_of(layer)) == Names{"file"});
}

TEST_CASE("compressions that can only be read are refused", "[store][export]") {
  Fixture<stores::Vfs> fixture;
  auto const layer = fixture.store.layers().import(memory_source(tar_of({{"file", "content"}})));
  CHECK(code_of([&] { diff_of(layer, DiffOptions{.compression = Compression::xz}); }) ==
        Errc::unsupported_compression);
  CHECK(code_of([&] { diff_of(layer, DiffOptions{.compression = Compression::bzip2}); }) ==
        Errc::unsupported_compression);
}

TEST_CASE("an error of the sink ends the export", "[store][export]") {
  struct Full {
    void write(Bytes) { throw Error(std::make_error_code(std::errc::no_space_on_device), "write"); }
  };
  Fixture<stores::Vfs> fixture;
  auto const layer =
      fixture.store.layers().import(memory_source(tar_of({{"file", std::string(100'000, 'x')}})));
  for (auto const how : {Compression::none, Compression::gzip, Compression::zstd})
    CHECK(code_of([&] { layer.diff(Full(), {.compression = how}); }) == std::errc::no_space_on_device);
}

TEMPLATE_TEST_CASE("what a layer changed can be pulled", "[store][export]", stores::Vfs, stores::Overlay) {
  auto fixture = std::make_unique<Fixture<TestType>>();
  auto const tar = tar_of({{"file", std::string(5'000'000, 'x')}, {"other", "content"}});
  auto const layer = fixture->store.layers().import(memory_source(tar), {.id = "one"});
  Fixture<stores::Journal> other;
  auto const copy = other.store.layers().import(layer.diff_source(), {.id = "one"});
  CHECK(copy.record().diff_digest == layer.record().diff_digest);
  CHECK(diff_of(copy) == tar);
  auto const packed = fixture->store.layers().import(layer.diff_source({.compression = Compression::gzip}));
  CHECK(packed.record().compression == static_cast<std::int64_t>(Compression::gzip));
  CHECK(packed.record().diff_digest == layer.record().diff_digest);

  CHECK_FALSE(layer.diff_source().next().empty());  // not read to its end
  fixture->store.layers().remove("one");
  auto gone = layer.diff_source();
  CHECK(code_of([&] { gone.next(); }) == Errc::layer_unknown);
}

namespace {

/// Makes directories of 250 bytes each, one in the other, with a file in the lowest; there may be some already.
/// @return the path of the lowest
std::string make_deep(fs::path const& tree, int levels, std::string const& file, std::string const& text) {
  std::string const name(250, 'd');
  std::string path;
  sys::Fd at = sys::open_at(AT_FDCWD, tree, O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < levels; ++i) {
    if (::mkdirat(at.get(), name.c_str(), 0755) != 0) REQUIRE(errno == EEXIST);
    at = sys::open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    path += (i == 0 ? "" : "/") + name;
  }
  auto const made = sys::open_at(at.get(), file, O_WRONLY | O_CREAT, 0644);
  sys::write_all(made.get(), as_bytes(text));
  return path;
}

template <class S>
fs::path own_tree(Fixture<S> const& fixture, std::string const& layer) {
  auto const whole = fixture.graph() / "vfs/dir" / layer;
  return fs::exists(whole) ? whole : fixture.graph() / "overlay" / layer / "diff";
}

std::map<std::string, archive::TarHeader> headers_in(std::string const& tar) {
  Source source = memory_source(tar);
  archive::TarReader reader(source, archive::no_budgets);
  std::map<std::string, archive::TarHeader> out;
  for (archive::TarHeader header; reader.next(header);) out[header.name] = header;
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("paths longer than a system call takes are compared and written", "[store][export]",
                   stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  Fixture<TestType> fixture;
  auto base = fixture.store.layers().create({.id = "base"});
  auto const deep = make_deep(own_tree(fixture, "base"), 24, "one", "11");
  REQUIRE(deep.size() > 6000);
  CHECK(base.changes().back().path == '/' + deep + "/one");
  CHECK(base.diff_size() == 2);
  auto const written = headers_in(diff_of(base));
  CHECK(written.size() == 25);
  REQUIRE(written.contains(deep + "/one"));
  CHECK(written.at(deep + "/one").size == 2);
  std::size_t entries = 0;
  std::string last;
  for (auto const& entry : base.entries()) {
    ++entries;
    last = entry.path;
  }
  CHECK(entries == 25);
  CHECK(last == '/' + deep + "/one");
  auto source = base.open(deep + "/one");
  CHECK(as_text(source.next()) == "11");

  // What is there already is not new in a layer above.
  auto top = fixture.store.layers().create({.id = "top", .parent = "base"});
  make_deep(own_tree(fixture, "top"), 24, "two", "2222");
  auto const above = headers_in(diff_of(top));
  CHECK(above.contains(deep + "/two"));
  CHECK_FALSE(above.contains(deep + "/one"));
  CHECK(top.diff_size() == 4);
  auto const changes = top.changes();
  CHECK(std::ranges::count(changes, ChangeKind::add, &Change::kind) == 1);
  CHECK(changes.back().path == '/' + deep + "/two");
}

TEST_CASE(
    "a layer that another program wrote with metacopy or redirect_dir is compared with these options only",
    "[store][export]") {
  if (::geteuid() != 0) return;
  Fixture<stores::Overlay> fixture;
  std::string const text(10'000, 'x');
  fixture.store.layers().import(memory_source(tar_of({{"big", text}, {"dir/", ""}, {"dir/file", "1"}})),
                                {.id = "base"});
  for (auto const* id : {"meta", "moved"}) {
    auto const layer = fixture.store.layers().create({.id = id, .parent = "base"});
    auto const home = fixture.graph() / "overlay";
    auto const point = fixture.directory.path() / id;
    fs::create_directory(point);
    auto const options = "lowerdir=" + (home / "base/diff").native() +
                         ",upperdir=" + (home / id / "diff").native() +
                         ",workdir=" + (home / id / "work").native() + ",metacopy=on,redirect_dir=on";
    if (::mount("overlay", point.c_str(), "overlay", 0, options.c_str()) != 0) {
      WARN("skipped: the kernel takes no metacopy or redirect_dir");
      return;
    }
    if (layer.id().str() == "meta")
      fs::permissions(point / "big", fs::owner_read);
    else
      fs::rename(point / "dir", point / "elsewhere");
    REQUIRE(::umount2(point.c_str(), 0) == 0);
  }
  auto const& store = fixture.store;
  CHECK(code_of([&] { diff_of(store.layers().get("meta")); }) == Errc::unsupported);
  CHECK(code_of([&] { diff_of(store.layers().get("moved")); }) == Errc::unsupported);
  CHECK(store.layers().get("meta").changes().size() == 1);  // that it changed can be seen
  CHECK(code_of([&] { static_cast<void>(store.layers().get("moved").changes()); }) == Errc::unsupported);

  auto options = fixture.options();
  options.driver.mountopt = "metacopy=on,redirect_dir=on";
  stores::Overlay const able(options);
  auto const meta = headers_in(diff_of(able.layers().get("meta")));
  REQUIRE(meta.size() == 1);
  CHECK(meta.at("big").mode == 0400);
  auto const written = diff_of(able.layers().get("meta"));
  CHECK(written.find(text) != std::string::npos);
  CHECK(headers_in(diff_of(able.layers().get("moved"))).contains("elsewhere/file"));
}

TEMPLATE_TEST_CASE("a container's diff has the owners that the container sees", "[store][export]",
                   stores::Vfs, stores::Overlay) {
  if (::geteuid() != 0) return;
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(tar_of({{"below", "1"}, {"kept", "1"}})), {.id = "base"});
  auto const image = store.images().create({.id = "image", .top_layer = "base"});
  IdMap const map{{0, 100'000, 65'536}};
  auto const box = store.containers().create(image, {.id = "box", .maps = {.uids = map, .gids = map}});
  auto const mount = box.mount();
  auto const own = [&](std::string const& name, uid_t uid, gid_t gid) {
    fs::ofstream(mount.path() / name) << name;
    REQUIRE(::chown((mount.path() / name).c_str(), uid, gid) == 0);
  };
  struct stat status {};
  REQUIRE(::stat((mount.path() / "below").c_str(), &status) == 0);
  REQUIRE(status.st_uid == 100'000);
  own("new", 100'005, 100'006);
  own("below", 100'000, 100'007);
  own("of_root", 0, 0);  // as programs on the host leave files in containers
  auto const found = headers_in(diff_of(box));
  CHECK(found.size() == 3);
  CHECK(found.at("new").uid == 5);
  CHECK(found.at("new").gid == 6);
  CHECK(found.at("below").uid == 0);
  CHECK(found.at("below").gid == 7);
  CHECK(found.at("of_root").uid == 0);
  CHECK(box.changes().size() == 3);
  CHECK(box.diff_size() == 15);
  own("outside", 7, 7);
  CHECK(code_of([&] { diff_of(box); }) == Errc::invalid_mappings);
}
