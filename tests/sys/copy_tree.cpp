#include <strata/fs.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <tuple>

using namespace strata;
using testing::TempDir;

namespace {

struct stat status_of(fs::path const& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) sys::throw_errno("stat", path);
  return status;
}

/// Everything about a tree that a copy must keep, a line for each entry.
std::vector<std::string> describe(fs::path const& top) {
  std::vector<std::string> lines;
  auto const line = [&](std::string const& path, struct stat const& s) {
    auto const full = path.empty() ? top : top / path;
    std::string text = path + " mode=" + std::to_string(s.st_mode) + " owner=" + std::to_string(s.st_uid) +
                       ':' + std::to_string(s.st_gid) + " mtime=" + std::to_string(s.st_mtim.tv_sec) + '.' +
                       std::to_string(s.st_mtim.tv_nsec);
    if (!S_ISDIR(s.st_mode))
      text += " links=" + std::to_string(s.st_nlink) + " size=" + std::to_string(s.st_size);
    if (S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode)) text += " device=" + std::to_string(s.st_rdev);
    if (S_ISREG(s.st_mode)) text += " text=" + sys::read_file(full);
    if (S_ISLNK(s.st_mode)) text += " to=" + fs::read_symlink(full).native();
    for (auto const& key : sys::list_xattrs(full)) text += ' ' + key + '=' + *sys::get_xattr(full, key);
    lines.push_back(std::move(text));
  };
  line({}, status_of(top));
  sys::walk(top, [&](sys::Visited const& v) { line(v.path, v.status); });
  return lines;
}

void set_times(fs::path const& path, std::int64_t seconds, long nanoseconds) {
  timespec const times[2] = {{.tv_sec = seconds + 1, .tv_nsec = nanoseconds},
                             {.tv_sec = seconds, .tv_nsec = nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

/// A directory `depth` levels down, by descriptors: the path is longer than the kernel takes.
void make_deep(fs::path const& top, int depth) {
  sys::make_directories(top, 0700);
  sys::Fd fd = sys::open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < depth; ++i) {
    REQUIRE(::mkdirat(fd.get(), "level", 0700) == 0);
    fd = sys::open_at(fd.get(), "level", O_RDONLY | O_DIRECTORY);
  }
  sys::Fd const file = sys::open_at(fd.get(), "file", O_WRONLY | O_CREAT, 0600);
  sys::write_all(file.get(), as_bytes("deep"));
  REQUIRE(::linkat(fd.get(), "file", fd.get(), "linked", 0) == 0);
}

}  // namespace

TEST_CASE("copy_tree keeps every kind of entry with its attributes", "[sys][copy_tree]") {
  bool const root = ::geteuid() == 0;
  if (!root) WARN("not root: owners, devices, capabilities and trusted attributes are left out");
  TempDir dir;
  auto const from = dir / "from";
  sys::make_directories(from / "sub/empty", 0755);
  sys::replace_file(from / "file", "contents", {.mode = 0640});
  sys::replace_file(from / "empty-file", "");
  sys::replace_file(from / "suid", "x", {.mode = 04755});
  sys::replace_file(from / "large", std::string(300'000, 'l'), {.mode = 0600});
  fs::create_hard_link(from / "file", from / "sub/linked");
  fs::create_symlink("nowhere/at all", from / "symlink");
  REQUIRE(::mkfifo((from / "fifo").c_str(), 0622) == 0);
  sys::set_xattr(from / "file", "user.note", "v\n\0w");
  sys::set_xattr(from / "file", "user.big", std::string(1000, 'b'));
  if (root) {
    REQUIRE(::mknod((from / "char").c_str(), S_IFCHR | 0644, makedev(0, 0)) == 0);
    REQUIRE(::mknod((from / "block").c_str(), S_IFBLK | 0600, makedev(7, 200)) == 0);
    REQUIRE(::mknod((from / "socket").c_str(), S_IFSOCK | 0600, 0) == 0);
    for (auto const* name : {"suid", "symlink", "fifo", "sub"})
      REQUIRE(::lchown((from / name).c_str(), 1234, 5678) == 0);
    REQUIRE(::chmod((from / "suid").c_str(), 06755) == 0);
    REQUIRE(::chmod((from / "block").c_str(), 04711) == 0);
    // struct vfs_cap_data, version 2: cap_net_raw, permitted and effective (linux/capability.h)
    sys::set_xattr(from / "suid", "security.capability",
                   std::string("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
    sys::set_xattr(from / "sub", "trusted.overlay.opaque", "y");
    set_times(from / "char", 0, 1);
  }
  set_times(from / "file", 1'000'000'000, 123'456'789);
  set_times(from / "large", -86'400, 999'999'999);  // before 1970
  set_times(from / "symlink", 2'000'000'000, 7);
  set_times(from / "fifo", 5, 5);
  REQUIRE(::chmod((from / "sub/empty").c_str(), 0555) == 0);
  REQUIRE(::chmod((from / "sub").c_str(), 01777) == 0);
  for (auto const* name : {"sub/empty", "sub"}) set_times(from / name, 1'234'567'890, 42);
  set_times(from, 987'654'321, 99);

  auto const before = describe(from);
  auto const flush = GENERATE(Flush::none, Flush::full);
  auto const done = sys::copy_tree(from, dir / "to", {.flush = flush});
  CHECK(describe(dir / "to") == before);
  CHECK(describe(from) == before);
  CHECK(done.entries == before.size() - 1);
  CHECK(done.bytes == 8 + 1 + 300'000);
  CHECK(status_of(dir / "to/file").st_ino == status_of(dir / "to/sub/linked").st_ino);
  CHECK(status_of(dir / "to/file").st_ino != status_of(from / "file").st_ino);
}

TEST_CASE("copy_tree leaves out the attributes that belong to a place", "[sys][copy_tree]") {
  if (::geteuid() != 0) {
    WARN("skipped: trusted attributes need root");
    return;
  }
  TempDir dir;
  sys::make_directories(dir / "from", 0700);
  sys::set_xattr(dir / "from", "trusted.overlay.origin", "x");
  sys::set_xattr(dir / "from", "trusted.other", "x");
  sys::set_xattr(dir / "from", "user.kept", "x");
  sys::copy_tree(dir / "from", dir / "to");
  CHECK(sys::list_xattrs(dir / "to") == std::vector<std::string>{"user.kept"});
  sys::copy_tree(dir / "from", dir / "all", {.keeps_xattr = [](std::string_view) noexcept { return true; }});
  CHECK(sys::list_xattrs(dir / "all").size() == 3);
}

TEST_CASE("copy_tree fills a directory that exists, and overwrites nothing", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "from/sub", 0750);
  sys::make_directories(dir / "to/sub", 0700);
  sys::replace_file(dir / "from/sub/new", "new");
  sys::replace_file(dir / "to/sub/old", "old");
  sys::copy_tree(dir / "from", dir / "to");
  CHECK(sys::read_file(dir / "to/sub/new") == "new");
  CHECK(sys::read_file(dir / "to/sub/old") == "old");
  CHECK((status_of(dir / "to/sub").st_mode & 07777) == 0750);
  try {
    sys::copy_tree(dir / "from", dir / "to");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::file_exists);
    CHECK(error.subject() == "open " + (dir / "to/sub/new").native());
  }
}

TEST_CASE("copy_tree does not follow links that stand in the copy's way", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "from/sub", 0700);
  sys::replace_file(dir / "from/sub/file", "x");
  sys::make_directories(dir / "elsewhere", 0700);
  sys::make_directories(dir / "to", 0700);
  fs::create_symlink(dir / "elsewhere", dir / "to/sub");
  CHECK_THROWS_AS(sys::copy_tree(dir / "from", dir / "to"), Error);
  CHECK(fs::is_empty(dir / "elsewhere"));
}

TEST_CASE("holes stay holes", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "from", 0700);
  {
    sys::Fd const fd = sys::open_at(AT_FDCWD, dir / "from/sparse", O_RDWR | O_CREAT, 0600);
    REQUIRE(::ftruncate(fd.get(), 64 << 20) == 0);
    REQUIRE(::pwrite(fd.get(), "middle", 6, 32 << 20) == 6);
  }
  sys::copy_tree(dir / "from", dir / "to");
  auto const copy = status_of(dir / "to/sparse");
  CHECK(copy.st_size == 64 << 20);
  CHECK(copy.st_blocks * 512 < 1 << 20);
  CHECK(sys::read_file(dir / "to/sparse") == sys::read_file(dir / "from/sparse"));
}

TEST_CASE("copies go from one file system to another", "[sys][copy_tree]") {
  if (::access("/dev/shm", W_OK) != 0) {
    WARN("skipped: no /dev/shm");
    return;
  }
  TempDir dir;
  TempDir memory("/dev/shm");
  sys::make_directories(dir / "from", 0700);
  sys::replace_file(dir / "from/large", std::string(100'000, 'x') + "end");
  sys::copy_tree(dir / "from", memory / "to");
  sys::copy_tree(memory / "to", dir / "back", {.flush = Flush::full});
  CHECK(sys::read_file(dir / "back/large") == sys::read_file(dir / "from/large"));
}

TEST_CASE("trees deeper than paths may be long are walked, copied, flushed, measured and removed",
          "[sys][copy_tree]") {
  TempDir dir;
  make_deep(dir / "from", 2000);
  auto const done = sys::copy_tree(dir / "from", dir / "to", {.flush = Flush::full});
  CHECK(done.entries == 2002);
  CHECK(done.bytes == 4);
  std::size_t visited = 0, longest = 0;
  sys::walk(dir / "to", [&](sys::Visited const& v) {
    ++visited;
    longest = std::max(longest, v.path.size());
    if (v.name == "linked") CHECK(v.status.st_nlink == 2);
  });
  CHECK(visited == 2002);
  CHECK(longest > 10'000);
  CHECK(sys::remove_tree(dir / "from"));
  CHECK(sys::remove_tree(dir / "to"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a copy can be stopped, and reports its end", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "from", 0700);
  for (int i = 0; i < 10; ++i)
    sys::replace_file(dir / "from" / std::to_string(i), "1234567", {.flush = Flush::none});
  std::vector<Progress> reports;
  sys::copy_tree(dir / "from", dir / "to",
                 {.control = {.progress = [&](Progress const& p) { reports.push_back(p); }}});
  REQUIRE_FALSE(reports.empty());
  CHECK(reports.back().phase == Phase::copy);
  CHECK(reports.back().entries == 10);
  CHECK(reports.back().bytes == 70);
  std::stop_source stop;
  stop.request_stop();
  try {
    sys::copy_tree(dir / "from", dir / "stopped", {.control = {.stop = stop.get_token()}});
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::stopped);
  }
}

TEST_CASE("a copy onto a full device fails, and says where", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "small", 0700);
  if (::mount("none", (dir / "small").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  sys::make_directories(dir / "from", 0700);
  sys::replace_file(dir / "from/file", std::string(200'000, 'x'));
  try {
    sys::copy_tree(dir / "from", dir / "small/to");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::no_space_on_device);
    CHECK(error.subject() == "write " + (dir / "small/to/file").native());
  }
}

TEST_CASE("a mount in a tree is not copied by mistake", "[sys][copy_tree]") {
  TempDir dir;
  sys::make_directories(dir / "from/point", 0700);
  if (::mount("none", (dir / "from/point").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  sys::replace_file(dir / "from/point/file", "x");
  CHECK_THROWS_AS(sys::copy_tree(dir / "from", dir / "to"), Error);
  sys::flush_tree(dir / "from");
  std::vector<std::string> paths;
  sys::walk(dir / "from", [&](sys::Visited const& v) { paths.push_back(v.path); });
  CHECK(paths == std::vector<std::string>{"point"});
}

TEST_CASE("attributes that a file has wherever it is are told from those of its place", "[sys][copy_tree]") {
  for (auto const* name :
       {"security.capability", "user.any", "user.", "trusted.overlay.opaque", "user.overlay.opaque"}) {
    INFO(name);
    CHECK(sys::is_portable_xattr(name));
  }
  for (auto const* name : {"security.selinux", "trusted.overlay.origin", "user.overlay.origin", "trusted.any",
                           "system.posix_acl_access", "user", ""}) {
    INFO(name);
    CHECK_FALSE(sys::is_portable_xattr(name));
    CHECK(sys::is_any_xattr(name));
  }
}

TEST_CASE("a name in the way is an error, or gives way if the caller says so", "[sys][copy_tree]") {
  TempDir dir;
  auto const top = dir.path().native();
  sys::make_directories(top + "/from/d", 0755);
  sys::replace_file(top + "/from/f", "new");
  sys::replace_file(top + "/from/d/inside", "new");
  sys::make_directories(top + "/to/f/full", 0755);
  sys::replace_file(top + "/to/d", "old");
  CHECK_THROWS_AS(sys::copy_tree(top + "/from", top + "/to"), Error);
  sys::copy_tree(top + "/from", top + "/to", {.existing = sys::Existing::replace});
  CHECK(describe(top + "/to") == describe(top + "/from"));
}

TEST_CASE("owners go through the caller's function, and order can be asked for", "[sys][copy_tree]") {
  TempDir dir;
  auto const top = dir.path().native();
  sys::make_directories(top + "/from", 0755);
  for (auto const* name : {"c", "a", "b"}) sys::replace_file(top + "/from/" + name, name);
  sys::copy_tree(top + "/from", top + "/to", {.order = sys::Order::by_name, .owner = [](sys::FileOwner) {
                                                return sys::FileOwner{.uid = 11, .gid = 12};
                                              }});
  for (auto const* name : {"", "/a", "/b", "/c"}) {
    CHECK(status_of(top + "/to" + name).st_uid == 11);
    CHECK(status_of(top + "/to" + name).st_gid == 12);
  }
  // What cannot be copied stops the copy at the same name each time.
  sys::make_directories(top + "/other/b", 0755);
  CHECK_THROWS_AS(sys::copy_tree(top + "/from", top + "/other", {.order = sys::Order::by_name}), Error);
  CHECK(sys::is_present(top + "/other/a"));
  CHECK_FALSE(sys::is_present(top + "/other/c"));
}
