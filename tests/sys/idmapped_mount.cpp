#include <strata/fs.hpp>
#include <strata/sys/idmapped_mount.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sys = strata::sys;
using strata::IdMap;

TEST_CASE("a directory appears with other owners", "[sys][root][mount]") {
  strata::testing::TempDir const dir;
  auto const from = dir.path() / "from";
  auto const to = dir.path() / "to";
  strata::fs::create_directory(from);
  strata::fs::create_directory(to);
  strata::fs::ofstream(from / "root") << "r";
  strata::fs::ofstream(from / "other") << "o";
  REQUIRE(::chown((from / "other").c_str(), 1005, 7) == 0);
  IdMap const uids{{0, 100000, 1000}, {1000, 300000, 10}};
  IdMap const gids{};
  sys::idmapped_bind(from, to, sys::MappedNamespace({uids, gids}));
  struct stat root {};
  struct stat other {};
  CHECK(::stat((to / "root").c_str(), &root) == 0);
  CHECK(::stat((to / "other").c_str(), &other) == 0);
  CHECK(sys::unmount(to));
  CHECK(root.st_uid == 100000);
  CHECK(root.st_gid == 0);
  CHECK(other.st_uid == 300005);
  CHECK(other.st_gid == 7);
}

TEST_CASE("maps that the kernel refuses make no namespace", "[sys][root]") {
  IdMap const overlapping{{0, 1000, 10}, {5, 2000, 10}};
  CHECK_THROWS_AS(sys::MappedNamespace({overlapping, {}}), strata::Error);
}

TEST_CASE("the child that makes a namespace ends with its parent, and if that had ended before", "[sys]") {
  auto const child = ::fork();
  if (child == 0) sys::detail::wait_for_end_of(-1);  // nobody's
  REQUIRE(child > 0);
  int status = -1;
  for (int i = 0; i < 500 && ::waitpid(child, &status, WNOHANG) == 0; ++i) ::usleep(10'000);
  if (status == -1) ::kill(child, SIGKILL);
  CHECK(status == 0);
}
