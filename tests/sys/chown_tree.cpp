#include <strata/fs.hpp>
#include <strata/sys/chown_tree.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <stdexcept>
#include <stop_token>
#include <string>

namespace sys = strata::sys;
namespace fs = boost::filesystem;

namespace {

struct stat status_of(fs::path const& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) sys::throw_errno("stat", path);
  return status;
}
sys::FileOwner owner_of(fs::path const& path) {
  auto const status = status_of(path);
  return {status.st_uid, status.st_gid};
}
sys::FileOwner shifted(sys::FileOwner old) { return {old.uid + 1000, old.gid + 2000}; }

/// "small but everything in it": links, set-user-ID, a capability, a symbolic link that leads nowhere.
void fill(fs::path const& top, fs::path const& outside = "nowhere") {
  fs::create_directories(top / "d/e");
  for (auto const* name : {"a", "d/b", "d/e/suid", "d/e/capable"}) fs::ofstream(top / name) << name;
  fs::create_hard_link(top / "d/b", top / "second");
  fs::create_symlink(outside, top / "d/link");
  REQUIRE(::chmod((top / "d/e/suid").c_str(), 06755) == 0);
  // struct vfs_cap_data (linux/capability.h), revision 2: effective, permitted cap_net_raw
  std::string const capability(
      "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  sys::set_xattr(top / "d/e/capable", "security.capability", capability);
}

}  // namespace

TEST_CASE("everything in a tree gets another owner, and nothing else", "[sys][root]") {
  strata::testing::TempDir const dir;
  strata::testing::TempDir const elsewhere;
  fs::ofstream(elsewhere.path() / "file");
  fill(dir.path(), elsewhere.path() / "file");
  auto const before = sys::get_xattr(dir.path() / "d/e/capable", "security.capability");
  REQUIRE(before.has_value());
  CHECK(sys::chown_tree(dir.path(), {.owner = shifted}) == 7);
  for (auto const* name : {"a", "second", "d", "d/b", "d/link", "d/e", "d/e/suid", "d/e/capable"})
    CHECK(owner_of(dir.path() / name) == sys::FileOwner{1000, 2000});
  CHECK(owner_of(dir.path()) == sys::FileOwner{0, 0});
  CHECK(owner_of(elsewhere.path() / "file") == sys::FileOwner{0, 0});
  CHECK((status_of(dir.path() / "d/e/suid").st_mode & 07777U) == 06755U);
  CHECK(sys::get_xattr(dir.path() / "d/e/capable", "security.capability") == before);
  CHECK(status_of(dir.path() / "second").st_ino == status_of(dir.path() / "d/b").st_ino);
  CHECK(sys::chown_tree(dir.path(), {.owner = [](auto old) { return old; }}) == 0);
}

TEST_CASE("links are made anew where asked, and times of directories stay", "[sys][root]") {
  strata::testing::TempDir const dir;
  fill(dir.path());
  auto const before = status_of(dir.path() / "d");
  CHECK(sys::chown_tree(dir.path(), {.owner = shifted, .relink = true}) == 7);
  CHECK(owner_of(dir.path() / "d/b") == sys::FileOwner{1000, 2000});
  CHECK(status_of(dir.path() / "second").st_ino == status_of(dir.path() / "d/b").st_ino);
  CHECK(status_of(dir.path() / "second").st_nlink == 2);
  CHECK(status_of(dir.path() / "d").st_mtim.tv_nsec == before.st_mtim.tv_nsec);
  CHECK(status_of(dir.path() / "d").st_mtim.tv_sec == before.st_mtim.tv_sec);
}

TEST_CASE("many files in many directories, each once", "[sys][root]") {
  strata::testing::TempDir const dir;
  for (int i = 0; i < 20; ++i) {
    fs::create_directories(dir.path() / std::to_string(i) / "below");
    for (int k = 0; k < 150; ++k)
      fs::ofstream(dir.path() / std::to_string(i) / (k % 2 == 0 ? "below" : ".") / std::to_string(k));
  }
  std::uint64_t told = 0;
  strata::Control control{.progress =
                              [&](strata::Progress const& p) {
                                CHECK(p.phase == strata::Phase::change_owners);
                                told = p.entries;
                              },
                          .stop = {}};
  CHECK(sys::chown_tree(dir.path(), {.owner = shifted, .control = control}) == 3040);
  CHECK(told == 3040);
  for (auto const& entry : fs::recursive_directory_iterator(dir.path()))
    REQUIRE(owner_of(entry.path()) == sys::FileOwner{1000, 2000});
}

TEST_CASE("a change of owners can be stopped, and fails as a whole", "[sys][root]") {
  strata::testing::TempDir const dir;
  fill(dir.path());
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(
      sys::chown_tree(dir.path(), {.owner = shifted, .control = {.progress = {}, .stop = stop.get_token()}}),
      strata::Error);
  CHECK_THROWS_WITH(sys::chown_tree(dir.path(), {.owner = [](auto) -> sys::FileOwner {
                                      throw std::runtime_error("no such id");
                                    }}),
                    "no such id");
  CHECK_THROWS_AS(sys::chown_tree(dir.path() / "missing", {.owner = shifted}), strata::Error);
}
