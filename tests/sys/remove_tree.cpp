#include <strata/fs.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace strata;
using testing::TempDir;

namespace {
bool mount_tmpfs(fs::path const& at) {
  if (::mount("none", at.c_str(), "tmpfs", 0, "size=64k") == 0) return true;
  WARN("skipped: needs the right to mount");
  return false;
}
}  // namespace

TEST_CASE("remove_tree removes files, links and directories, and says whether there was something",
          "[sys][remove]") {
  TempDir dir;
  sys::make_directories(dir / "kept", 0700);
  sys::replace_file(dir / "kept/file", "x");
  sys::make_directories(dir / "tree/a/b/c", 0700);
  sys::replace_file(dir / "tree/a/file with\nnewline", "x");
  fs::create_symlink(dir / "kept", dir / "tree/a/b/link");
  REQUIRE(::mkfifo((dir / "tree/fifo").c_str(), 0600) == 0);
  fs::create_symlink(dir / "kept", dir / "link");
  fs::create_symlink("nowhere", dir / "dangling");
  CHECK(sys::remove_tree(dir / "tree/"));
  CHECK(sys::remove_tree(dir / "link"));
  CHECK(sys::remove_tree(dir / "dangling"));
  CHECK_FALSE(sys::remove_tree(dir / "tree"));
  CHECK_FALSE(sys::remove_tree(dir / "tree/below"));
  CHECK(sys::read_file(dir / "kept/file") == "x");
  CHECK(sys::remove_tree(dir / "kept"));
  CHECK(fs::is_empty(dir.path()));
}

// Asked of what refuses, not of what removes: a mistake there would remove the machine.
TEST_CASE("remove_tree refuses paths that name no entry", "[sys][remove]") {
  for (auto const* path : {"", "/", "//", "/.", "/..", ".", "..", "./", "../", "a/.", "a/..", "a/../"})
    CHECK_THROWS_AS(sys::detail::removable(path), Error);
  CHECK(sys::detail::removable("a") == "a");
  CHECK(sys::detail::removable("/a/b//") == "/a/b");
}

TEST_CASE("remove_tree leaves what a path that it refuses leads to", "[sys][remove]") {
  TempDir dir;
  sys::make_directories(dir / "a", 0700);
  for (auto const* path : {"a/.", "a/./"}) CHECK_THROWS_AS(sys::remove_tree(dir / path), Error);
  CHECK(fs::exists(dir / "a"));
}

TEST_CASE("what is mounted in a removed tree is unmounted, not emptied", "[sys][remove]") {
  TempDir dir;
  sys::make_directories(dir / "outside/sub", 0700);
  sys::replace_file(dir / "outside/sub/file", "kept");
  sys::make_directories(dir / "tree/deep/point with space", 0700);
  sys::make_directories(dir / "tree/beside", 0700);
  sys::replace_file(dir / "tree/file", "");
  if (!mount_tmpfs(dir / "tree/deep")) return;
  sys::make_directories(dir / "tree/deep/point", 0700);
  // Bind mounts of the same file system: the device number does not tell them from the tree.
  sys::bind_mount(dir / "outside", dir / "tree/deep/point");
  sys::bind_mount(dir / "outside", dir / "tree/beside");
  sys::bind_mount(dir / "outside", dir / "tree/beside");  // twice
  sys::bind_mount(dir / "outside/sub/file", dir / "tree/file");
  CHECK(sys::mounts_below(dir / "tree").size() == 5);
  CHECK(sys::remove_tree(dir / "tree"));
  CHECK_FALSE(fs::exists(dir / "tree"));
  CHECK(sys::mounts_below(dir.path()).empty());
  CHECK(sys::read_file(dir / "outside/sub/file") == "kept");
}

TEST_CASE("a mount on the removed directory or file itself is unmounted too", "[sys][remove]") {
  TempDir dir;
  sys::make_directories(dir / "outside", 0700);
  sys::replace_file(dir / "outside/file", "kept");
  sys::make_directories(dir / "tree", 0700);
  sys::replace_file(dir / "tree/below", "");
  sys::replace_file(dir / "single", "");
  if (!mount_tmpfs(dir / "tree")) return;
  sys::bind_mount(dir / "outside", dir / "tree");
  sys::bind_mount(dir / "outside/file", dir / "single");
  CHECK(sys::remove_tree(dir / "tree"));
  CHECK(sys::remove_tree(dir / "single"));
  CHECK_FALSE(fs::exists(dir / "single"));
  CHECK(sys::read_file(dir / "outside/file") == "kept");
  CHECK(sys::mounts_below(dir.path()).empty());
}

TEST_CASE("several threads may remove one tree", "[sys][remove]") {
  TempDir dir;
  for (int i = 0; i < 200; ++i)
    sys::make_directories(dir / "tree" / std::to_string(i % 10) / std::to_string(i), 0700);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        try {
          sys::remove_tree(dir / "tree");
        } catch (Error const&) {
          ++failures;
        }
      });
  }
  CHECK(failures == 0);
  CHECK_FALSE(fs::exists(dir / "tree"));
}

TEST_CASE("an owner who is not root removes directories without write permission", "[sys][remove]") {
  if (::geteuid() != 0) {
    WARN("skipped: must start as root to become another user");
    return;
  }
  TempDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    try {
      sys::make_directories(dir / "tree/closed/sub", 0700);
      sys::replace_file(dir / "tree/closed/file", "x");
      ::chmod((dir / "tree/closed/sub").c_str(), 0);
      ::chmod((dir / "tree/closed").c_str(), 0555);
      sys::remove_tree(dir / "tree");
      ::_exit(fs::exists(dir / "tree") ? 1 : 0);
    } catch (std::exception const&) {
      ::_exit(3);
    }
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("what cannot be removed is named", "[sys][remove]") {
  if (::geteuid() != 0) {
    WARN("skipped: must start as root to become another user");
    return;
  }
  TempDir dir;
  sys::make_directories(dir / "tree/foreign/sub", 0755);
  REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    try {
      sys::remove_tree(dir / "tree");
    } catch (Error const& error) {
      ::_exit(error.code() == std::errc::permission_denied &&
                      error.subject() == "unlink " + (dir / "tree/foreign/sub").native()
                  ? 0
                  : 1);
    }
    ::_exit(3);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
