#include <strata/archive/tar_reader.hpp>
#include <strata/drivers/overlay/diff.hpp>
#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace fs = boost::filesystem;
using strata::Change;
using strata::ChangeKind;
using namespace strata::drivers::overlay;

namespace {

/// Trees as the kernel and the unpacker leave them, made by hand.
struct Trees {
  strata::testing::TempDir dir{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  fs::path file(std::string const& path, std::string const& text = "1") const {
    fs::create_directories((dir / path).parent_path());
    fs::ofstream(dir / path) << text;
    return dir / path;
  }
  void whiteout(std::string const& path) const {
    fs::create_directories((dir / path).parent_path());
    REQUIRE(::mknod((dir / path).c_str(), S_IFCHR, 0) == 0);
  }
  void opaque(std::string const& path) const {
    fs::create_directories(dir / path);
    REQUIRE(::setxattr((dir / path).c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  }
  std::vector<Change> changes() const {
    fs::create_directories(dir / "top");
    return native_changes(dir / "top", {dir / "near", dir / "far"});
  }
  ChangeKind kind_of(std::string const& path) const {
    for (auto const& change : changes())
      if (change.path == path) return change.kind;
    FAIL("no change of " << path);
    return {};
  }
};

bool can_make_whiteouts() {
  if (::geteuid() == 0) return true;
  WARN("skipped: whiteouts need root");
  return false;
}

}  // namespace

TEST_CASE("the nearest layer below has precedence, and what it hides is not there", "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  for (auto const* path :
       {"near/both", "far/both", "far/only", "far/hidden", "far/dir/f", "far/opq/f", "far/was/f"})
    trees.file(path);
  trees.whiteout("near/hidden");
  trees.whiteout("near/dir");
  trees.opaque("near/opq");
  trees.file("near/was");  // a file in place of a directory
  for (auto const* path :
       {"top/both", "top/only", "top/hidden", "top/dir/f", "top/opq/f", "top/was/f", "top/new"})
    trees.file(path);
  CHECK(trees.kind_of("/both") == ChangeKind::modify);
  CHECK(trees.kind_of("/only") == ChangeKind::modify);
  CHECK(trees.kind_of("/hidden") == ChangeKind::add);
  CHECK(trees.kind_of("/dir") == ChangeKind::add);
  CHECK(trees.kind_of("/dir/f") == ChangeKind::add);
  CHECK(trees.kind_of("/opq/f") == ChangeKind::add);
  CHECK(trees.kind_of("/was") == ChangeKind::modify);
  CHECK(trees.kind_of("/was/f") == ChangeKind::add);
  CHECK(trees.kind_of("/new") == ChangeKind::add);
}

TEST_CASE("links below are not followed", "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  fs::create_directories(trees.dir / "near");
  fs::create_directories(trees.dir / "far");
  fs::create_symlink("/etc", trees.dir / "near/etc");
  fs::create_symlink("nowhere", trees.dir / "near/dangling");
  trees.file("top/etc/passwd");
  trees.file("top/dangling");
  CHECK(trees.kind_of("/etc") == ChangeKind::modify);
  CHECK(trees.kind_of("/etc/passwd") == ChangeKind::add);
  CHECK(trees.kind_of("/dangling") == ChangeKind::modify);
}

TEST_CASE("directories as they were are no changes, times in whole seconds being as good",
          "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  trees.file("near/d/f");
  trees.file("top/d/f", "2");
  auto const set_time = [&](char const* path, long nanoseconds) {
    timespec const times[2] = {{1000, nanoseconds}, {1000, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, (trees.dir / path).c_str(), times, 0) == 0);
  };
  set_time("near/d", 0);
  set_time("top/d", 5);
  CHECK(trees.changes() == std::vector<Change>{{"/d/f", ChangeKind::modify}});
  set_time("near/d", 6);
  CHECK(trees.changes().size() == 2);
}

TEST_CASE("every directory above what came or went counts as modified, as it stands", "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  auto const set_times = [&] {  // all directories look alike
    timespec const times[2] = {{1000, 0}, {1000, 0}};
    for (auto const* layer : {"near", "top"})
      for (auto const& entry : fs::recursive_directory_iterator(trees.dir / layer))
        if (fs::is_directory(entry.status()))
          REQUIRE(::utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
  };
  trees.file("near/a/b/c/f");
  trees.file("top/a/b/c/f", "2");
  set_times();
  CHECK(trees.changes() == std::vector<Change>{{"/a/b/c/f", ChangeKind::modify}});

  trees.file("top/a/b/c/g");
  set_times();
  CHECK(trees.changes() == std::vector<Change>{{"/a", ChangeKind::modify},
                                               {"/a/b", ChangeKind::modify},
                                               {"/a/b/c", ChangeKind::modify},
                                               {"/a/b/c/f", ChangeKind::modify},
                                               {"/a/b/c/g", ChangeKind::add}});

  fs::remove(trees.dir / "top/a/b/c/f");
  fs::remove(trees.dir / "top/a/b/c/g");
  trees.whiteout("top/a/b/c/f");
  set_times();
  CHECK(trees.changes() == std::vector<Change>{{"/a", ChangeKind::modify},
                                               {"/a/b", ChangeKind::modify},
                                               {"/a/b/c", ChangeKind::modify},
                                               {"/a/b/c/f", ChangeKind::remove}});
}

TEST_CASE("entries come depth first, whiteouts and opaque marks as archives have them",
          "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  trees.file("near/gone");
  trees.file("near/gone2");
  trees.file("near/known/f");
  trees.file("top/a.b");
  trees.file("top/a/x");
  trees.whiteout("top/gone");
  fs::create_hard_link(trees.dir / "top/gone", trees.dir / "top/gone2");
  trees.opaque("top/known");
  trees.opaque("top/unknown");
  fs::create_directories(trees.dir / "far");
  std::string tar;
  auto sink = strata::string_sink(tar);
  strata::archive::TarWriter writer(sink);
  native_diff(trees.dir / "top", {trees.dir / "near", trees.dir / "far"}, writer, {});
  writer.finish();
  auto source = strata::memory_source(tar);
  strata::archive::TarReader reader(source);
  std::vector<std::string> names;
  std::map<std::string, strata::archive::TarHeader> headers;
  for (strata::archive::TarHeader header; reader.next(header);) {
    names.push_back(header.name);
    headers[header.name] = header;
  }
  CHECK(names == std::vector<std::string>{"a/", "a/x", "a.b", ".wh.gone", ".wh.gone2", "known/",
                                          "known/.wh..wh..opq", "unknown/"});
  CHECK(headers.at(".wh.gone2").type == strata::archive::EntryType::regular);
  CHECK(headers.at("known/.wh..wh..opq").mode == 0755);
  for (auto const& [name, header] : headers) CHECK(header.xattrs.empty());
  CHECK(native_size(trees.dir / "top") == 2);

  SECTION("a stop is heard") {
    std::stop_source stop;
    stop.request_stop();
    std::string out;
    auto ignored = strata::string_sink(out);
    strata::archive::TarWriter stopped(ignored);
    CHECK_THROWS_AS(native_diff(trees.dir / "top", {}, stopped, {.stop = stop.get_token()}), strata::Error);
  }
}

TEST_CASE("deep trees are walked", "[drivers][overlay]") {
  Trees trees;
  std::string path = "top";
  for (int i = 0; i < 200; ++i) path += "/d";
  trees.file(path + "/f");
  CHECK(native_changes(trees.dir / "top", {}).size() == 201);
}

TEST_CASE("what overlayfs would look for elsewhere is refused", "[drivers][overlay]") {
  if (!can_make_whiteouts()) return;
  Trees trees;
  trees.file("top/d/f");
  trees.file("top/whole", std::string(5000, '1'));
  auto const diff = [&] {
    std::string tar;
    auto sink = strata::string_sink(tar);
    strata::archive::TarWriter writer(sink);
    native_diff(trees.dir / "top", {}, writer, {});
  };
  auto const code_of = [](auto&& call) {
    try {
      call();
    } catch (strata::Error const& error) {
      return error.code();
    }
    return std::error_code();
  };
  CHECK(code_of(diff) == std::error_code());
  REQUIRE(::setxattr((trees.dir / "top/whole").c_str(), "trusted.overlay.metacopy", "", 0, 0) == 0);
  CHECK(code_of(diff) == strata::Errc::unsupported);
  CHECK(trees.changes().size() == 3);
  REQUIRE(::removexattr((trees.dir / "top/whole").c_str(), "trusted.overlay.metacopy") == 0);
  REQUIRE(::setxattr((trees.dir / "top/d").c_str(), "trusted.overlay.redirect", "/e", 2, 0) == 0);
  CHECK(code_of(diff) == strata::Errc::unsupported);
  CHECK(code_of([&] { trees.changes(); }) == strata::Errc::unsupported);
}
