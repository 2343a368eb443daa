#include <strata/sys/file.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/load_tree.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>

using namespace strata;
using archive::MemoryTree;
using archive::TreeForm;

namespace {

auto const as_they_are = [](std::int64_t uid, std::int64_t gid) { return std::pair(uid, gid); };

struct Tree {
  testing::TempDir directory;
  std::string top = directory.path().native();

  void dir(std::string const& name) const { sys::make_directories(top + '/' + name, 0755); }
  void file(std::string const& name, std::string const& text = "text") const {
    sys::replace_file(top + '/' + name, text, {.mode = 0644, .flush = Flush::none});
  }
  void whiteout(std::string const& name) const {
    REQUIRE(::mknod((top + '/' + name).c_str(), S_IFCHR, makedev(0, 0)) == 0);
  }
  void xattr(std::string const& name, char const* key, std::string const& value) const {
    REQUIRE(::lsetxattr((top + '/' + name).c_str(), key, value.data(), value.size(), 0) == 0);
  }
};

}  // namespace

TEST_CASE("a tree is loaded with the kinds, owners, times and links of its files", "[tree][load_tree]") {
  Tree const from;
  from.dir("d/e");
  from.file("d/f", "12345");
  REQUIRE(::link((from.top + "/d/f").c_str(), (from.top + "/h").c_str()) == 0);
  REQUIRE(::symlink("d/f", (from.top + "/l").c_str()) == 0);
  REQUIRE(::mkfifo((from.top + "/p").c_str(), 0600) == 0);
  REQUIRE(::mknod((from.top + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  REQUIRE(::chown((from.top + "/d/f").c_str(), 5, 6) == 0);
  REQUIRE(::chmod((from.top + "/d/f").c_str(), 04711) == 0);
  timespec const times[2] = {{.tv_sec = 3, .tv_nsec = 0}, {.tv_sec = 3, .tv_nsec = 4}};
  REQUIRE(::utimensat(AT_FDCWD, (from.top + "/d/f").c_str(), times, 0) == 0);

  auto const tree = archive::load_tree(from.top, TreeForm::whole, [](std::int64_t uid, std::int64_t gid) {
    return std::pair(uid + 100, gid + 200);
  });
  auto const file = tree.find("d/f");
  REQUIRE(file);
  CHECK(file->mode == (S_IFREG | 04711));
  CHECK(file->uid == 105);
  CHECK(file->gid == 206);
  CHECK(file->size == 5);
  CHECK(file->mtime.seconds == 3);
  CHECK(file->mtime.nanoseconds == 4);
  CHECK(tree.find("h") == file);
  CHECK(tree.find("d/e")->is_directory());
  CHECK(tree.find("l")->target == "d/f");
  CHECK(S_ISFIFO(tree.find("p")->mode));
  CHECK(tree.find("null")->device == makedev(1, 3));
  CHECK(tree.root().uid == 100 + ::geteuid());
  CHECK_FALSE(tree.find("absent"));
}

TEST_CASE("whiteouts of both forms are those of a layer of changes, and files of a whole tree",
          "[tree][load_tree]") {
  Tree const from;
  from.dir("d");
  from.dir("opaque");
  from.whiteout("device");
  from.file("d/.wh.name", "");
  from.file("d/.wh..wh..opq", "");
  from.file("d/.wh.full", "contents");
  from.xattr("opaque", "trusted.overlay.opaque", "y");

  auto const changes = archive::load_tree(from.top, TreeForm::changes, as_they_are);
  CHECK(changes.find("device")->is_whiteout());
  REQUIRE(changes.find("d/name"));
  CHECK(changes.find("d/name")->is_whiteout());
  CHECK_FALSE(changes.find("d/.wh.name"));
  CHECK(changes.find("d")->opaque);
  CHECK(changes.find("opaque")->opaque);
  CHECK(changes.find("d/.wh.full")->size == 8);  // not empty: a file of that name

  auto const whole = archive::load_tree(from.top, TreeForm::whole, as_they_are);
  CHECK(whole.find("d/.wh.name"));
  CHECK_FALSE(whole.find("d/name"));
  CHECK_FALSE(whole.find("d")->opaque);
  CHECK_FALSE(whole.find("opaque")->opaque);
}

TEST_CASE("files that stand in for others are loaded as those", "[tree][load_tree]") {
  Tree const from;
  from.file("pipe", "");
  from.file("owned");
  from.file("plain");
  auto const set = [&](std::string const& name, std::string const& text) {
    from.xattr(name, archive::override_stat_xattr, text);
  };
  set(".", "0:0:0755");
  set("pipe", "1:2:0600:pipe");
  set("owned", "7:8:04755:file");
  set("plain", "no such thing");
  auto const tree = archive::load_tree(from.top, TreeForm::whole, as_they_are);
  CHECK(S_ISFIFO(tree.find("pipe")->mode));
  CHECK(tree.find("pipe")->uid == 1);
  CHECK(tree.find("owned")->mode == (S_IFREG | 04755));
  CHECK(tree.find("owned")->gid == 8);
  CHECK(tree.find("plain")->mode == (S_IFREG | 0644));
}

TEST_CASE("layers are laid over each other as overlayfs shows them", "[tree][load_tree]") {
  Tree const lower, upper;
  lower.dir("kept");
  lower.file("kept/a", "1");
  lower.file("kept/gone");
  lower.dir("opaque");
  lower.file("opaque/hidden");
  lower.dir("becomes-file");
  lower.file("becomes-file/x");
  lower.file("becomes-directory");
  lower.file("removed");
  upper.dir("kept");
  upper.file("kept/a", "22");
  upper.whiteout("kept/gone");
  upper.dir("opaque");
  upper.file("opaque/new");
  upper.xattr("opaque", "trusted.overlay.opaque", "y");
  upper.file("becomes-file");
  upper.dir("becomes-directory/sub");
  upper.whiteout("removed");

  auto below = archive::load_tree(lower.top, TreeForm::changes, as_they_are);
  archive::lay_over(below, archive::load_tree(upper.top, TreeForm::changes, as_they_are));
  CHECK(below.find("kept/a")->size == 2);
  CHECK_FALSE(below.find("kept/gone"));
  CHECK_FALSE(below.find("opaque/hidden"));
  CHECK(below.find("opaque/new"));
  CHECK_FALSE(below.find("opaque")->opaque);
  CHECK_FALSE(below.find("becomes-file")->is_directory());
  CHECK(below.find("becomes-directory/sub"));
  CHECK_FALSE(below.find("removed"));
}

TEST_CASE("a tree in memory answers what lies below", "[tree][load_tree]") {
  MemoryTree tree;
  REQUIRE(MemoryTree::make_directory(&tree.root(), "d", 0755) == 0);
  REQUIRE(MemoryTree::make_symlink(&tree.root(), "l", "d") == 0);
  archive::MemoryLower const lower(tree);
  CHECK(lower.at("d") == archive::Below::directory);
  CHECK(lower.at("l") == archive::Below::other);
  CHECK(lower.at("l/x") == archive::Below::nothing);
  CHECK(lower.at("none") == archive::Below::nothing);
  CHECK(lower.root_names() == std::vector<std::string>{"d", "l"});
}

TEST_CASE("a tree that is not there cannot be loaded", "[tree][load_tree]") {
  Tree const from;
  CHECK_THROWS_AS(archive::load_tree(from.top + "/none", TreeForm::whole, as_they_are), Error);
}
