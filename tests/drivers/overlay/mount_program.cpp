#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <sys/xattr.h>

namespace fs = boost::filesystem;
using namespace strata::drivers::overlay;

TEST_CASE("layers of a mount program are known by what it leaves in them", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  fs::create_directories(dir / "one/diff/a/b");
  fs::ofstream(dir / "one/diff/a/b/file");
  LayerDirs const dirs(dir.path(), {});
  CHECK(!used_mount_program(dirs));
  SECTION("a whiteout that is a file") {
    fs::ofstream(dir / "one/diff/a/b/.wh.gone");
    CHECK(used_mount_program(dirs));
  }
  SECTION("an attribute of a directory") {
    if (::setxattr((dir / "one/diff/a").c_str(), "user.containers.override_stat", "0:0:0755", 8, 0) != 0) {
      WARN("skipped: no user attributes on this file system");
      return;
    }
    CHECK(used_mount_program(dirs));
  }
}

TEST_CASE("programs are found in $PATH", "[drivers][overlay]") {
  CHECK(fs::exists(find_program("sh")));
  CHECK(find_program("no-such-program-anywhere").empty());
}
