#include <strata/sys/stream.hpp>
#include <strata/tree/memory_tree.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vector>

using namespace strata;
using archive::MemoryNode;
using archive::MemoryTree;

namespace {

std::string write(MemoryTree const& tree, MemoryNode* directory, std::string const& name,
                  std::string const& text) {
  MemoryTree::Handle file;
  REQUIRE(MemoryTree::make_file(directory, name, 0644, file) == 0);
  Source body = memory_source(text);
  tree.write(file, body, name);
  return file->bytes ? *file->bytes : "no bytes";
}

/// The error that a call leaves, if it fails as system calls do.
template <class Call>
int code_of_call(Call&& call) {
  errno = 0;
  return call() == -1 ? errno : 0;
}

std::vector<std::string> paths_of(MemoryTree const& tree) {
  std::vector<std::string> out;
  tree.walk([&](std::string const& path, MemoryNode const&) { out.push_back(path); });
  return out;
}

}  // namespace

TEST_CASE("a tree in memory keeps sizes, and contents if asked", "[tree][memory_tree]") {
  MemoryTree sizes, contents(true);
  CHECK(write(sizes, &sizes.root(), "f", "text") == "no bytes");
  CHECK(write(contents, &contents.root(), "f", "text") == "text");
  CHECK(sizes.find("f")->size == 4);
  CHECK(contents.find("f")->size == 4);
}

TEST_CASE("it fails as the kernel does", "[tree][memory_tree]") {
  MemoryTree tree;
  auto* const root = &tree.root();
  MemoryTree::Handle file;
  REQUIRE(MemoryTree::make_directory(root, "d", 0755) == 0);
  REQUIRE(MemoryTree::make_file(root, "f", 0644, file) == 0);
  REQUIRE(MemoryTree::make_symlink(root, "l", "d") == 0);
  std::string const longest(255, 'x'), longer(256, 'x');

  CHECK(code_of_call([&] { return MemoryTree::make_directory(root, "d", 0755); }) == EEXIST);
  CHECK(code_of_call([&] { return MemoryTree::make_file(root, "l", 0644, file); }) == EEXIST);
  CHECK(code_of_call([&] { return MemoryTree::make_directory(root, longest, 0755); }) == 0);
  CHECK(code_of_call([&] { return MemoryTree::make_directory(root, longer, 0755); }) == ENAMETOOLONG);
  CHECK(code_of_call([&] { return MemoryTree::make_symlink(root, "e", ""); }) == ENOENT);
  CHECK(code_of_call([&] { return MemoryTree::make_symlink(root, "e", std::string(4096, 'x')); }) ==
        ENAMETOOLONG);
  CHECK(code_of_call([&] { return MemoryTree::make_link(root, "d", root, "h"); }) == EPERM);
  CHECK(code_of_call([&] { return MemoryTree::make_link(root, ".", root, "h"); }) == EPERM);
  CHECK(code_of_call([&] { return MemoryTree::make_link(root, "none", root, "h"); }) == ENOENT);
  CHECK(code_of_call([&] { return MemoryTree::make_link(root, "f", root, "l"); }) == EEXIST);
  CHECK(code_of_call([&] { return MemoryTree::make_node(root, "n", S_IFCHR, ~dev_t{0}); }) == EINVAL);

  auto const opening = [&](std::string_view path) {
    errno = 0;
    return tree.try_open(path) ? 0 : errno;
  };
  CHECK(opening("") == 0);
  CHECK(opening("d") == 0);
  CHECK(opening("none") == ENOENT);
  CHECK(opening("f/x") == ENOTDIR);
  CHECK(opening("l") == ENOTDIR);  // as open(2) with O_DIRECTORY and O_NOFOLLOW
  CHECK(opening("l/x") == ELOOP);
  CHECK(opening(longer) == ENAMETOOLONG);
  try {
    tree.open("none/x");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.subject() == "open none/x");
  }
  CHECK_THROWS_AS(MemoryTree::look(root, longer, longer), Error);
  CHECK_FALSE(MemoryTree::look(root, "none", "none"));
}

TEST_CASE("a hard link is the same node; removing one name leaves the other", "[tree][memory_tree]") {
  MemoryTree tree(true);
  auto* const root = &tree.root();
  write(tree, root, "f", "text");
  REQUIRE(MemoryTree::make_link(root, "f", root, "g") == 0);
  CHECK(tree.find("f") == tree.find("g"));
  MemoryTree::remove(root, "f", {}, "f");
  CHECK_FALSE(tree.find("f"));
  REQUIRE(tree.find("g"));
  CHECK(*tree.find("g")->bytes == "text");
}

TEST_CASE("what is made in a directory that gives its group on has that group", "[tree][memory_tree]") {
  MemoryTree tree;
  auto* const root = &tree.root();
  REQUIRE(MemoryTree::make_directory(root, "d", 02755) == 0);
  auto const d = tree.find("d");
  d->gid = 7;
  REQUIRE(MemoryTree::make_directory(d.get(), "inner", 0755) == 0);
  REQUIRE(MemoryTree::make_node(d.get(), "pipe", S_IFIFO | 0644, 0) == 0);
  CHECK(tree.find("d/inner")->gid == 7);
  CHECK((tree.find("d/inner")->mode & S_ISGID) != 0);
  CHECK(tree.find("d/pipe")->gid == 7);
  CHECK((tree.find("d/pipe")->mode & S_ISGID) == 0);
}

TEST_CASE("a copy has its own nodes, with the same hard links", "[tree][memory_tree]") {
  MemoryTree tree(true);
  auto* const root = &tree.root();
  REQUIRE(MemoryTree::make_directory(root, "d", 0755) == 0);
  write(tree, tree.find("d").get(), "f", "text");
  REQUIRE(MemoryTree::make_link(tree.find("d").get(), "f", root, "h") == 0);
  MemoryTree const copied = tree;
  CHECK(paths_of(copied) == paths_of(tree));
  CHECK(copied.find("h") == copied.find("d/f"));
  CHECK(copied.find("h") != tree.find("h"));
  CHECK(copied.find("h")->bytes == tree.find("h")->bytes);  // contents are shared
  tree.find("h")->uid = 5;
  MemoryTree::remove(root, "d", {}, "d");
  CHECK(copied.find("h")->uid == 0);
  CHECK(copied.find("d/f"));
}

TEST_CASE("a walk goes by the bytes of names, a directory before what is in it", "[tree][memory_tree]") {
  MemoryTree tree;
  auto* const root = &tree.root();
  for (auto const* name : {"b", "a", "a.x", "é", "B"})
    REQUIRE(MemoryTree::make_directory(root, name, 0755) == 0);
  REQUIRE(MemoryTree::make_directory(tree.find("a").get(), "z", 0755) == 0);
  CHECK(paths_of(tree) == std::vector<std::string>{"", "B", "a", "a/z", "a.x", "b", "é"});
}

TEST_CASE("the nodes that an archive told of are asked for once", "[tree][memory_tree]") {
  MemoryTree tree;
  auto* const root = &tree.root();
  REQUIRE(MemoryTree::make_directory(root, "d", 0755) == 0);
  CHECK(tree.take_told().empty());
  MemoryTree::Setter setter(tree.find("d").get(), sys::OpenedAs::file, "d");
  setter.times({timespec{.tv_sec = 1, .tv_nsec = 0}, timespec{.tv_sec = 2, .tv_nsec = 3}});
  CHECK(tree.find("d")->mtime.seconds == 2);
  CHECK(tree.find("d")->mtime.nanoseconds == 3);
  CHECK(tree.take_told() == std::set<std::string>{"d"});
  CHECK(tree.take_told().empty());
}

TEST_CASE("a node says what its header would", "[tree][memory_tree]") {
  MemoryNode node{.mode = S_IFBLK | 04640, .uid = 1, .gid = 2, .size = 0, .device = makedev(8, 3)};
  auto const header = archive::header_of(node);
  CHECK(header.type == archive::EntryType::block_device);
  CHECK(header.mode == 04640);
  CHECK(header.uid == 1);
  CHECK(header.gid == 2);
  CHECK(header.dev_major == 8);
  CHECK(header.dev_minor == 3);
  auto const type = [](mode_t mode) { return archive::header_of({.mode = mode}).type; };
  CHECK(type(S_IFDIR) == archive::EntryType::directory);
  CHECK(type(S_IFREG) == archive::EntryType::regular);
  CHECK(type(S_IFIFO) == archive::EntryType::fifo);
  CHECK(type(S_IFCHR) == archive::EntryType::char_device);
  CHECK(archive::header_of({.mode = S_IFLNK, .target = "t"}).link_name == "t");
  CHECK(MemoryNode{.mode = S_IFCHR}.is_whiteout());
  CHECK_FALSE(MemoryNode{.mode = S_IFCHR, .device = makedev(1, 3)}.is_whiteout());
  CHECK_FALSE(MemoryNode{.mode = S_IFREG}.is_whiteout());
}
