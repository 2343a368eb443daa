#include <strata/fs.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

using namespace strata;

TEST_CASE("a mounted directory is a mount point, a plain one is none", "[sys][mount]") {
  testing::TempDir dir;
  CHECK(sys::is_mount_point("/proc"));
  CHECK(sys::find_mount("/proc"));
  CHECK_FALSE(sys::is_mount_point(dir.path()));
  CHECK_FALSE(sys::is_mount_point(dir / "none"));
  CHECK_FALSE(sys::find_mount(dir.path()));
  CHECK(sys::mounts_below(dir.path()).empty());
  CHECK_FALSE(sys::unmount(dir.path()));
  CHECK_FALSE(sys::unmount(dir / "none"));
}

TEST_CASE("mounts are seen and taken off, whatever their names", "[sys][mount]") {
  testing::TempDir dir;
  auto const top = dir / "a b\n\t\\040";
  sys::make_directories(top, 0700);
  sys::make_directories(dir / "a", 0700);
  if (::mount("none", top.c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  sys::make_directories(top / "sub", 0700);
  sys::mount(top / "sub", {.source = "strata", .type = "tmpfs", .flags = MS_NOSUID, .data = "size=32k"});
  sys::bind_mount(top / "sub", dir / "a");
  CHECK(sys::is_mount_point(top));
  CHECK(sys::is_mount_point(dir / "a"));
  auto const found = sys::find_mount(top / "sub");
  REQUIRE(found);
  CHECK(found->type == "tmpfs");
  CHECK(found->source == "strata");
  CHECK(found->options.find("nosuid") != std::string::npos);
  CHECK(sys::mounts_below(top) == std::vector<fs::path>{top / "sub", top});
  CHECK(sys::mounts_below(dir.path()).front() == dir / "a");
  fs::create_directory_symlink(top, dir / "link");
  CHECK(sys::mounts_below(dir / "link").size() == 2);
  sys::Fd const user = sys::open_at(AT_FDCWD, top / "sub", O_RDONLY);  // in use: detached nevertheless
  sys::unmount_below(top);
  CHECK_FALSE(sys::is_mount_point(top));
  CHECK(sys::mounts_below(dir.path()) == std::vector<fs::path>{dir / "a"});
  CHECK(sys::unmount(dir / "a"));
  CHECK_FALSE(sys::unmount(dir / "a"));
}

TEST_CASE("a name that only begins like a directory's is not below it", "[sys][mount]") {
  testing::TempDir dir;
  sys::make_directories(dir / "layer", 0700);
  sys::make_directories(dir / "layer2", 0700);
  if (::mount("none", (dir / "layer2").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  CHECK(sys::mounts_below(dir / "layer").empty());
}

TEST_CASE("make_private binds a directory over itself, once", "[sys][mount]") {
  testing::TempDir dir;
  sys::make_directories(dir / "home", 0700);
  if (::geteuid() != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  sys::make_private(dir / "home");
  sys::make_private(dir / "home");
  CHECK(sys::mounts_below(dir / "home").size() == 1);
  REQUIRE(sys::find_mount(dir / "home"));
  CHECK(sys::find_mount(dir / "home")->propagation.empty());
}

TEST_CASE("a mount that fails names its target", "[sys][mount]") {
  testing::TempDir dir;
  try {
    sys::bind_mount(dir / "none", dir.path());
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.subject() == "mount " + dir.path().native());
  }
}

TEST_CASE("who makes a directory private waits for another who is about to", "[sys][mount]") {
  testing::TempDir dir;
  if (::geteuid() != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  auto const home = dir / "home";
  sys::make_directories(home, 0700);
  std::optional<sys::Fd> other = sys::open_at(AT_FDCWD, home, O_RDONLY | O_DIRECTORY);
  REQUIRE(::flock(other->get(), LOCK_EX) == 0);
  std::jthread second([&] { sys::make_private(home); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(sys::mounts_below(home).empty());
  sys::bind_mount(home, home);
  other.reset();
  second.join();
  CHECK(sys::mounts_below(home).size() == 1);
  sys::unmount_below(home);
}
