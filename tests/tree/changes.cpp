#include <strata/fs.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/changes.hpp>
#include <strata/tree/tree_entry.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata::archive;

namespace {

/// Two trees that are alike: the second is a copy with all attributes.
struct Pair {
  strata::testing::TempDir place = {};
  fs::path older = place / "older";
  fs::path newer = place / "newer";

  Pair() {
    fs::create_directories(older / "d/sub");
    fs::create_directory(older / "empty");
    write(older / "d/one", "1");
    write(older / "d/sub/two", "22");
    write(older / "f", "333");
    fs::create_symlink("f", older / "l");
    REQUIRE(std::system(("cp -a '" + older.native() + "' '" + newer.native() + "'").c_str()) == 0);
  }
  static void write(fs::path const& path, std::string const& text) { fs::ofstream(path) << text; }
  void set_time(fs::path const& path, timespec time) const {
    timespec const times[2] = {time, time};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
  }
  std::string told() const { return strata::testing::describe(compare_trees(newer, older)); }
};

}  // namespace

TEST_CASE("trees that are alike do not differ", "[archive][changes]") {
  Pair const pair;
  CHECK(pair.told().empty());
  CHECK(compare_trees(pair.older, pair.older).empty());
  CHECK(changed_bytes(pair.newer, {}) == 0);
}

TEST_CASE("additions, changes and removals, and the directories above them", "[archive][changes]") {
  Pair const pair;
  Pair::write(pair.newer / "d/sub/three", "new");
  fs::remove(pair.newer / "d/one");
  fs::remove_all(pair.newer / "empty");
  Pair::write(pair.newer / "f", "longer");
  CHECK(pair.told() == "~/d -/d/one ~/d/sub +/d/sub/three -/empty ~/f ");
  CHECK(changed_bytes(pair.newer, compare_trees(pair.newer, pair.older)) == 3 + 6);
}

TEST_CASE("whatever of a file's status differs is told", "[archive][changes]") {
  Pair const pair;
  SECTION("mode") {
    fs::permissions(pair.newer / "f", fs::perms::owner_all);
    CHECK(pair.told() == "~/f ");
  }
  SECTION("mode of a directory") {
    fs::permissions(pair.newer / "d/sub", fs::perms::owner_all);
    CHECK(pair.told() == "~/d ~/d/sub ");
  }
  SECTION("owner") {
    if (::geteuid() != 0) {
      WARN("needs root: not checked");
      return;
    }
    REQUIRE(::chown((pair.newer / "f").c_str(), 1, 1) == 0);
    CHECK(pair.told() == "~/f ");
  }
  SECTION("time, but not that of a directory") {
    pair.set_time(pair.newer / "f", {.tv_sec = 1, .tv_nsec = 0});
    pair.set_time(pair.newer / "empty", {.tv_sec = 1, .tv_nsec = 0});
    CHECK(pair.told() == "~/f ");
  }
  SECTION("a time without fraction is any fraction of its second") {
    pair.set_time(pair.older / "f", {.tv_sec = 1000, .tv_nsec = 5});
    pair.set_time(pair.newer / "f", {.tv_sec = 1000, .tv_nsec = 0});
    CHECK(pair.told().empty());
    pair.set_time(pair.newer / "f", {.tv_sec = 1000, .tv_nsec = 6});
    CHECK(pair.told() == "~/f ");
  }
  SECTION("target of a link of the same length and time") {
    auto const time = fs::path(pair.older / "l");
    struct stat was {};
    REQUIRE(::lstat(time.c_str(), &was) == 0);
    fs::remove(pair.newer / "l");
    fs::create_symlink("g", pair.newer / "l");
    pair.set_time(pair.newer / "l", was.st_mtim);
    CHECK(pair.told() == "~/l ");
  }
  SECTION("attributes of users, not overlayfs's") {
    strata::sys::set_xattr(pair.newer / "f", "user.overlay.x", "1");
    CHECK(pair.told().empty());
    strata::sys::set_xattr(pair.newer / "f", "user.a", "1");
    strata::sys::set_xattr(pair.older / "f", "user.a", "2");
    CHECK(pair.told() == "~/f ");
  }
  SECTION("kind: a directory that became a file, and the reverse") {
    fs::remove_all(pair.newer / "d");
    Pair::write(pair.newer / "d", "file");
    fs::remove(pair.newer / "f");
    fs::create_directory(pair.newer / "f");
    Pair::write(pair.newer / "f/below", "1");
    CHECK(pair.told() == "~/d ~/f +/f/below ");
  }
}

TEST_CASE("changes come in the order of bytes, directories before what is in them", "[archive][changes]") {
  strata::testing::TempDir const place;
  fs::create_directories(place / "a");
  for (auto const* name : {"a/x", "a.b", "a-b", "B", "\xFF"}) Pair::write(place / name, "");
  CHECK(strata::testing::describe(compare_trees(place.path(), {})) == "+/B +/a +/a-b +/a.b +/a/x +/\xFF ");
}

TEST_CASE("hard links count once", "[archive][changes]") {
  strata::testing::TempDir const place;
  Pair::write(place / "a", "four");
  fs::create_hard_link(place / "a", place / "b");
  CHECK(changed_bytes(place.path(), compare_trees(place.path(), {})) == 4);
}

TEST_CASE("trees deeper than a path can be", "[archive][changes]") {
  strata::testing::TempDir const place;
  auto fd = strata::sys::open_at(AT_FDCWD, place.path(), O_RDONLY | O_DIRECTORY);
  std::string const name(200, 'n');
  for (int i = 0; i < 100; ++i) {
    REQUIRE(::mkdirat(fd.get(), name.c_str(), 0700) == 0);
    fd = strata::sys::open_at(fd.get(), name, O_RDONLY | O_DIRECTORY);
  }
  CHECK(compare_trees(place.path(), {}).size() == 100);
}

TEST_CASE("changes as an archive: whiteouts for what is gone, later names of an inode as links",
          "[archive][changes]") {
  Pair const pair;
  fs::remove(pair.newer / "d/one");
  Pair::write(pair.newer / "a", "four");
  fs::create_hard_link(pair.newer / "a", pair.newer / "b");
  strata::sys::set_xattr(pair.newer / "a", "user.k", "v");
  std::string tar;
  auto sink = strata::string_sink(tar);
  TarWriter writer(sink);
  write_changes(pair.newer, compare_trees(pair.newer, pair.older), writer, {});
  writer.finish();
  auto const found = strata::testing::read_archive(tar);
  CHECK(strata::testing::names_of(found) == "a b d d/.wh.one ");
  CHECK(found.at("a").bytes == "four");
  CHECK(found.at("b").header.type == EntryType::hard_link);
  CHECK(found.at("b").header.link_name == "a");
  CHECK(found.at("a").header.xattrs == Xattrs{{"user.k", "v"}});
  CHECK(found.at("b").header.xattrs == Xattrs{{"user.k", "v"}});
  CHECK(found.at("d/.wh.one").header.mode == 0);
  CHECK(found.at("d/.wh.one").header.mtime.seconds > 1'600'000'000);
}
