#include <strata/fs.hpp>
#include <strata/sys/erofs.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "loop_disk.hpp"
#include <string>
#include <unistd.h>

using namespace strata;

TEST_CASE("sys: an EROFS image is mounted where nobody sees it", "[sys][erofs]") {
  testing::TempDir dir;
  fs::ofstream(dir / "none") << "no image";
  if (::geteuid() != 0 || !LoopDisk::run("command -v mkfs.erofs") ||
      !LoopDisk::run("grep -qw erofs /proc/filesystems")) {
    WARN("skipped: needs root, mkfs.erofs and a kernel with EROFS");
    return;
  }
  fs::create_directory(dir / "tree");
  fs::ofstream(dir / "tree/file") << "contents";
  REQUIRE(LoopDisk::run("mkfs.erofs " + (dir / "image").native() + ' ' + (dir / "tree").native()));
  auto const mounted = [] {
    int count = 0;
    for (auto const& entry : sys::mounts()) count += entry.type == "erofs" ? 1 : 0;
    return count;
  };
  auto const before = mounted();
  {
    auto const image = sys::mount_erofs(dir / "image");
    auto const file = sys::open_at(image.get(), "file", O_RDONLY);
    char text[9] = {};
    CHECK(::read(file.get(), text, 8) == 8);
    CHECK(std::string(text) == "contents");
    CHECK(mounted() == before);
    CHECK_FALSE(sys::try_open_at(image.get(), "new", O_WRONLY | O_CREAT, 0600));
    CHECK(errno == EROFS);
  }
  CHECK_THROWS_AS(sys::mount_erofs(dir / "none"), std::system_error);
  CHECK_THROWS_AS(sys::mount_erofs(dir / "missing"), std::system_error);
  // As before Linux 6.12: by a loop device, which goes with its last user.
  std::string name;
  {
    auto const file = sys::open_at(AT_FDCWD, dir / "image", O_RDONLY);
    sys::Fd device;
    try {
      device = sys::detail::loop_device(file.get(), dir / "image", name);
    } catch (std::system_error const&) {
      WARN("skipped in part: no loop devices here");
      return;
    }
    auto const image = sys::detail::try_mount_erofs(name.c_str());
    REQUIRE(image);
    CHECK(sys::try_open_at(image.get(), "file", O_RDONLY));
  }
}
