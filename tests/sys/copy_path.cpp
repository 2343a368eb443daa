#include <strata/fs.hpp>
#include <strata/sys/copy_path.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <sys/sysmacros.h>
#include <type_traits>
#include <unistd.h>

using namespace strata;
using namespace strata::sys;
using testing::TempDir;

namespace {

struct stat status_of(fs::path const& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw_errno("stat", path);
  return status;
}

void write(fs::path const& path, std::string_view text) {
  make_directories(path.parent_path(), 0755);
  replace_file(path, text, {.mode = 0644, .flush = Flush::none});
}

std::set<std::string> names(fs::path const& top) {
  std::set<std::string> all;
  walk(top, [&](Visited const& at) { all.insert(at.path); });
  return all;
}

std::errc failure(Place const& from, Place const& to) {
  try {
    copy_path(from, to);
  } catch (Error const& error) {
    return static_cast<std::errc>(error.code().value());
  }
  return {};
}

// A copier refers to its options as long as it copies.
static_assert(!std::is_constructible_v<strata::sys::detail::TreeCopier, fs::path, fs::path, CopyOptions>);

}  // namespace

TEST_CASE("a file is copied under the name that is given, with all that it has", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/a", "text");
  auto const from = dir.path() / "from/a";
  REQUIRE(::chown(from.c_str(), 5, 6) == 0);
  REQUIRE(::chmod(from.c_str(), 04711) == 0);
  timespec const times[2] = {{.tv_sec = 9, .tv_nsec = 0}, {.tv_sec = 7, .tv_nsec = 8}};
  REQUIRE(::utimensat(AT_FDCWD, from.c_str(), times, 0) == 0);
  set_xattr(open_at(AT_FDCWD, from, O_RDONLY).get(), "user.k", "v", from);
  make_directories(dir.path() / "tree", 0755);

  auto const done = copy_path({.path = from}, {.root = dir.path() / "tree", .path = "/new/deep/b"});
  CHECK(done.entries == 1);
  CHECK(done.bytes == 4);
  auto const copy = dir.path() / "tree/new/deep/b";
  CHECK(read_file(copy) == "text");
  auto const status = status_of(copy);
  CHECK(status.st_uid == 5);
  CHECK(status.st_gid == 6);
  CHECK((status.st_mode & 07777) == 04711);
  CHECK(status.st_mtim.tv_sec == 7);
  CHECK(status.st_mtim.tv_nsec == 8);
  CHECK(*get_xattr(copy, "user.k") == "v");
  CHECK((status_of(dir.path() / "tree/new").st_mode & 07777) == 0700);
}

TEST_CASE("nothing leads out of a tree", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "outside/secret", "secret");
  write(dir.path() / "tree/etc/inside", "inside");
  fs::create_symlink(dir.path() / "outside", dir.path() / "tree/absolute");
  fs::create_symlink("../../outside", dir.path() / "tree/relative");
  fs::create_symlink("/etc", dir.path() / "tree/own");
  Place const out{.path = dir.path() / "out"};
  auto const in_tree = [&](std::string path) { return Place{dir.path() / "tree", std::move(path)}; };

  SECTION("reading") {
    for (auto const path :
         {"/absolute/secret", "/relative/secret", "../outside/secret", "/etc/../../outside/secret"})
      CHECK(failure(in_tree(path), out) == std::errc::no_such_file_or_directory);
    CHECK(!fs::exists(out.path));
    copy_path(in_tree("/own/inside"), out);  // the link leads to the tree's own /etc
    CHECK(read_file(out.path) == "inside");
  }
  SECTION("writing") {
    auto const before = names(dir.path() / "outside");
    auto const from = in_tree("/etc/inside");
    for (auto const path : {"/absolute/x", "/relative/x"}) CHECK(failure(from, in_tree(path)) != std::errc{});
    copy_path(from, in_tree("/../../outside/x"));
    CHECK(read_file(dir.path() / "tree/outside/x") == "inside");
    copy_path(from, in_tree("/absolute"));  // a link that is the last name is replaced
    CHECK(S_ISREG(status_of(dir.path() / "tree/absolute").st_mode));
    CHECK(names(dir.path() / "outside") == before);
  }
}

TEST_CASE("directories become one; what is in the copied one replaces what has its name",
          "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/both", "new");
  write(dir.path() / "from/file_over_tree", "file");
  write(dir.path() / "from/tree_over_file/x", "x");
  fs::create_hard_link(dir.path() / "from/both", dir.path() / "from/linked");
  fs::create_symlink("both", dir.path() / "from/link");
  write(dir.path() / "to/both", "old");
  write(dir.path() / "to/link", "was a file");
  write(dir.path() / "to/file_over_tree/a/b", "gone");
  write(dir.path() / "to/tree_over_file", "gone");
  write(dir.path() / "to/other", "stays");
  REQUIRE(::chmod((dir.path() / "to").c_str(), 0750) == 0);

  copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to"});
  CHECK(names(dir.path() / "to") == std::set<std::string>{"both", "file_over_tree", "link", "linked", "other",
                                                          "tree_over_file", "tree_over_file/x"});
  CHECK(read_file(dir.path() / "to/both") == "new");
  CHECK(read_file(dir.path() / "to/file_over_tree") == "file");
  CHECK(status_of(dir.path() / "to/both").st_ino == status_of(dir.path() / "to/linked").st_ino);
  CHECK(S_ISLNK(status_of(dir.path() / "to/link").st_mode));
  CHECK((status_of(dir.path() / "to").st_mode & 07777) == 0750);
}

TEST_CASE("a new directory in one that gives its group on does so as well", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/file", "1");
  write(dir.path() / "to/other", "2");
  REQUIRE(::chmod((dir.path() / "to").c_str(), 02755) == 0);
  copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to/new/copy"});
  CHECK((status_of(dir.path() / "to/new").st_mode & 07777) == 02755);
  CHECK((status_of(dir.path() / "to/new/copy").st_mode & 07777) == 02755);
}

TEST_CASE("what cannot be copied is refused, and nothing is lost by it", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "file", "f");
  write(dir.path() / "tree/x", "x");
  auto const at = [&](std::string path) { return Place{dir.path(), std::move(path)}; };
  CHECK(failure(at("/file"), at("/tree")) == std::errc::is_a_directory);
  CHECK(failure(at("/file"), at("/")) == std::errc::is_a_directory);
  CHECK(failure(at("/tree"), at("/file")) == std::errc::not_a_directory);
  CHECK(failure(at("/file"), at("/file/below")) == std::errc::not_a_directory);
  CHECK(failure(at("/nothing"), at("/y")) == std::errc::no_such_file_or_directory);
  CHECK(names(dir.path()) == std::set<std::string>{"file", "tree", "tree/x"});
}

TEST_CASE("a directory that cannot get its owner is not left with another mode", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/a", "text");
  make_directories(dir.path() / "tree", 0755);
  constexpr uid_t somebody = 12345;
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  REQUIRE(::chown((dir.path() / "tree").c_str(), somebody, somebody) == 0);
  REQUIRE(::seteuid(somebody) == 0);  // who may not give the directory to root
  auto const failed =
      failure({.path = dir.path() / "from/a"}, {.root = dir.path() / "tree", .path = "/new/a"});
  REQUIRE(::seteuid(0) == 0);
  CHECK(failed == std::errc::operation_not_permitted);
  CHECK_FALSE(is_present(dir.path() / "tree/new"));
}

TEST_CASE("what stands where a directory is to be made is named", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/d/x", "x");
  write(dir.path() / "to/q/file", "in the way");
  for (auto const* target : {"q/file", "q/file/z", "q/file/z/deeper"})
    CHECK_THROWS_WITH(
        copy_path({dir.path() / "from", "d"}, {dir.path() / "to", target}),
        Catch::Matchers::Equals("mkdir " + (dir.path() / "to/q/file").native() + ": Not a directory"));
}

TEST_CASE("a tree is copied into itself once, a file over itself stays", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "a/b/x", "x");
  auto const at = [&](std::string path) { return Place{dir.path(), std::move(path)}; };
  copy_path(at("/a"), at("/a/in"));
  CHECK(names(dir.path()) == std::set<std::string>{"a", "a/b", "a/b/x", "a/in", "a/in/b", "a/in/b/x"});
  copy_path(at("/a/b/x"), at("/a/b/x"));
  CHECK(read_file(dir.path() / "a/b/x") == "x");
}

TEST_CASE("owners go through the caller's function", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/x", "x");
  REQUIRE(::chown((dir.path() / "from/x").c_str(), 10, 20) == 0);
  CopyPathOptions const options{.flush = Flush::full,
                                .owner =
                                    [](FileOwner owner) {
                                      return FileOwner{owner.uid + 1, owner.gid + 2};
                                    },
                                .new_directories = {3, 4},
                                .new_parents = {5, 6}};
  copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "up/to"}, options);
  CHECK(status_of(dir.path() / "up").st_uid == 3);
  CHECK(status_of(dir.path() / "up/to").st_gid == 4);
  CHECK(status_of(dir.path() / "up/to/x").st_uid == 11);
  CHECK(status_of(dir.path() / "up/to/x").st_gid == 22);
  copy_path({.path = dir.path() / "from/x"}, {.path = dir.path() / "p/x"}, options);
  CHECK(status_of(dir.path() / "p").st_uid == 5);
}

TEST_CASE("nothing is made for a file that can have no owner; the top of a tree needs none",
          "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "file", "f");
  make_directories(dir.path() / "tree", 0755);
  CopyPathOptions const options{
      .owner = [](FileOwner) -> FileOwner { throw Error(Errc::invalid_mappings, "1:1"); }};
  CHECK_THROWS_AS(copy_path({dir.path(), "file"}, {dir.path(), "new/copy"}, options), Error);
  CHECK_FALSE(fs::exists(dir.path() / "new"));
  copy_path({dir.path(), "tree"}, {dir.path(), "new/copy"}, options);
  CHECK(fs::is_directory(dir.path() / "new/copy"));
}

TEST_CASE("a copy that fails has made what comes before by the names, and nothing after",
          "[sys][copy_path]") {
  TempDir dir;
  for (auto const* name : {"e", "b", "d", "a", "f", "c"}) write(dir.path() / "from" / name, name);
  REQUIRE(::chown((dir.path() / "from/d").c_str(), 4, 4) == 0);
  CopyPathOptions const options{.owner = [](FileOwner owner) {
    if (owner.uid == 4) throw Error(Errc::invalid_mappings, "4:4");
    return owner;
  }};
  CHECK_THROWS_AS(copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to"}, options), Error);
  for (auto const* name : {"a", "b", "c"}) CHECK(fs::exists(dir.path() / "to" / name));
  for (auto const* name : {"e", "f"}) CHECK_FALSE(fs::exists(dir.path() / "to" / name));
  write(dir.path() / "from/aa/inside", "i");
  REQUIRE(::chown((dir.path() / "from/aa").c_str(), 4, 4) == 0);
  CHECK_THROWS_AS(copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to"}, options), Error);
  CHECK_FALSE(fs::exists(dir.path() / "to/aa"));
}

TEST_CASE("a host's path that ends with a slash is a directory to copy a file into", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "x", "x");
  copy_path({.path = dir.path() / "x"}, {.path = dir.path().native() + "/into/"});
  CHECK(read_file(dir.path() / "into/x") == "x");
}

TEST_CASE("copying stops when asked to", "[sys][copy_path]") {
  TempDir dir;
  write(dir.path() / "from/x", "x");
  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to"},
                            {.control = {.progress = {}, .stop = source.get_token()}}),
                  Error);
}

TEST_CASE("what is mounted in a directory is copied with it, however deep it goes", "[sys][copy_path]") {
  TempDir dir;
  auto const point = dir.path() / "from/point";
  fs::create_directories(point);
  if (::mount("none", point.c_str(), "tmpfs", 0, "size=1m") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  // Deeper than directories are kept open: the way back leads out of the mount by "..".
  auto deep = point;
  for (int i = 0; i < 80; ++i) deep /= "d";
  fs::create_directories(deep);
  write(deep / "file", "deep");
  write(dir.path() / "from/z", "last");
  copy_path({.path = dir.path() / "from"}, {.path = dir.path() / "to"});
  REQUIRE(::umount(point.c_str()) == 0);
  CHECK(read_file(dir.path() / "to" / deep.lexically_relative(dir.path() / "from") / "file") == "deep");
  CHECK(read_file(dir.path() / "to/z") == "last");
}

TEST_CASE("copying into a tree whose owner exchanges what was just copied changes nothing outside", "[sys]") {
  TempDir const dir;
  write(dir / "host/file", "of the host");
  auto const before = status_of(dir / "host/file");
  fs::create_directories(dir / "to");
  CopyPathOptions options;
  SECTION("a fifo for a link") {
    fs::create_directories(dir / "from");
    REQUIRE(::mkfifo((dir / "from/fifo").c_str(), 0600) == 0);
    REQUIRE(::chmod((dir / "from/fifo").c_str(), 0757) == 0);
    options.owner = [&](FileOwner owner) {
      if (fs::remove(dir / "to/fifo")) fs::create_symlink(dir / "host/file", dir / "to/fifo");
      return owner;
    };
  }
  SECTION("the directory of a file with two names for a link") {
    write(dir / "from/a/file", "copied");
    fs::create_directories(dir / "from/b");
    fs::create_hard_link(dir / "from/a/file", dir / "from/b/file");
    options.owner = [&](FileOwner owner) {
      for (std::string const name : {"a", "b"})
        if (fs::exists(dir / "to" / name / "file") && !fs::is_symlink(dir / "to" / name)) {
          fs::rename(dir / "to" / name, dir / "to/old");
          fs::create_symlink(dir / "host", dir / "to" / name);
        }
      return owner;
    };
  }
  CHECK_THROWS_AS(copy_path({.root = {}, .path = dir / "from"}, {.root = dir / "to", .path = "/"}, options),
                  Error);
  auto const after = status_of(dir / "host/file");
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_nlink == before.st_nlink);
}

TEST_CASE("a name that an overlay lists and does not have is left out of a copy", "[sys][copy_path]") {
  if (::geteuid() != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  TempDir dir;
  for (auto const* part : {"lower", "upper/d", "work", "merged"}) fs::create_directories(dir.path() / part);
  write(dir.path() / "upper/d/kept", "x");
  // in a directory that no lower one has, where the kernel looks for no whiteouts when it lists
  REQUIRE(::mknod((dir.path() / "upper/d/gone").c_str(), S_IFCHR, makedev(0, 0)) == 0);
  auto const merged = dir.path() / "merged";
  try {
    mount(merged, {.source = "overlay",
                   .type = "overlay",
                   .data = "lowerdir=" + (dir.path() / "lower").native() + ",upperdir=" +
                           (dir.path() / "upper").native() + ",workdir=" + (dir.path() / "work").native()});
  } catch (Error const&) {
    WARN("skipped: no overlayfs here");
    return;
  }
  CHECK_NOTHROW(copy_path({.root = merged, .path = "d"}, {.root = {}, .path = dir.path() / "copy"}));
  unmount(merged);
  CHECK(names(dir.path() / "copy").contains("kept"));
  CHECK_FALSE(fs::exists(fs::symlink_status(dir.path() / "copy/gone")));
}
