#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/opened_node.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace opened_node_tests {  // several files of tests are compiled as one
namespace {

using namespace strata;
using sys::OpenedAs;
using sys::OpenedNode;

}  // namespace

TEST_CASE("attributes are set alike through either kind of descriptor", "[sys]") {
  testing::TempDir const dir;
  for (auto const as : {OpenedAs::file, OpenedAs::path_only}) {
    auto const path = dir / (as == OpenedAs::file ? "file" : "path");
    fs::ofstream(path) << "text";
    auto const fd = sys::open_at(AT_FDCWD, path, as == OpenedAs::file ? O_RDONLY : O_PATH);
    OpenedNode const node(fd.get(), as);
    CHECK(node.set_mode(0640));
    CHECK(node.set_xattr("user.key", "value"));
    CHECK(sys::get_xattr(path, "user.key") == "value");
    if (::geteuid() == 0) CHECK(node.set_owner(1000, 1001));
    CHECK(node.set_times({timespec{.tv_sec = 1000, .tv_nsec = 1}, timespec{.tv_sec = 2000, .tv_nsec = 2}}));
    auto const status = sys::status_of(fd.get(), path.native());
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(status.st_atim.tv_sec == 1000);
    CHECK(status.st_mtim.tv_sec == 2000);
    CHECK(status.st_mtim.tv_nsec == 2);
    if (::geteuid() != 0) continue;
    CHECK(status.st_uid == 1000);
    CHECK(status.st_gid == 1001);
  }
}

TEST_CASE("an opened link has its own attributes, and what it leads to stays", "[sys]") {
  testing::TempDir const dir;
  fs::ofstream(dir / "file") << "text";
  fs::create_symlink("file", dir / "link");
  auto const before = sys::find_status(dir / "file");
  auto const fd = sys::open_at(AT_FDCWD, dir / "link", O_PATH | O_NOFOLLOW);
  OpenedNode const node(fd.get(), OpenedAs::path_only);
  CHECK(node.set_times({timespec{.tv_sec = 1, .tv_nsec = 0}, timespec{.tv_sec = 2, .tv_nsec = 0}}));
  CHECK(sys::find_status(dir / "link")->st_mtim.tv_sec == 2);
  CHECK_FALSE(node.set_xattr("user.key", "value"));
  CHECK(errno == EPERM);
  CHECK(sys::find_status(dir / "file")->st_mtim.tv_sec == before->st_mtim.tv_sec);
  CHECK_FALSE(sys::get_xattr(dir / "file", "user.key"));
}

}  // namespace opened_node_tests
