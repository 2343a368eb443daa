#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace strata;

namespace directory_tests {

sys::Fd opened(std::string const& path) { return sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY); }

}  // namespace directory_tests

using directory_tests::opened;

TEST_CASE("a directory is listed whole, without itself and its parent", "[sys][directory]") {
  testing::TempDir const dir;
  auto const top = dir.path().native();
  CHECK(sys::read_directory(opened(top).get(), top).empty());
  std::map<std::string, unsigned char> expected{
      {"file", DT_REG}, {"link", DT_LNK}, {"...", DT_DIR}, {"pipe", DT_FIFO}};
  sys::replace_file(top + "/file", "x");
  REQUIRE(::symlink("file", (top + "/link").c_str()) == 0);
  REQUIRE(::mkdir((top + "/...").c_str(), 0700) == 0);
  REQUIRE(::mkfifo((top + "/pipe").c_str(), 0600) == 0);
  for (int i = 0; i < 1500; ++i) {  // more than one call returns
    auto const name = "a-name-that-is-not-short-" + std::to_string(i);
    REQUIRE(::mkfifo((top + '/' + name).c_str(), 0600) == 0);
    expected.emplace(name, DT_FIFO);
  }
  auto const fd = opened(top);
  std::map<std::string, unsigned char> found;
  for (auto const& entry : sys::read_directory(fd.get(), top)) found.emplace(entry.name, entry.type);
  CHECK(found == expected);
  CHECK(sys::read_directory(fd.get(), top).empty());  // it goes on where it was
}

TEST_CASE("a directory that was removed is empty; what is none is an error with its name",
          "[sys][directory]") {
  testing::TempDir const dir;
  auto const gone = dir.path().native() + "/gone";
  REQUIRE(::mkdir(gone.c_str(), 0700) == 0);
  auto const fd = opened(gone);
  REQUIRE(::rmdir(gone.c_str()) == 0);
  CHECK(sys::read_directory(fd.get(), gone).empty());
  try {
    sys::read_directory(sys::open_at(AT_FDCWD, "/dev/null", O_RDONLY).get(), "name");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::not_a_directory);
    CHECK(error.subject() == "getdents name");
  }
}

TEST_CASE("an entry is a directory only if it is one itself", "[sys][directory]") {
  testing::TempDir const dir;
  auto const top = dir.path().native();
  REQUIRE(::mkdir((top + "/d").c_str(), 0700) == 0);
  REQUIRE(::symlink("d", (top + "/l").c_str()) == 0);
  auto const fd = opened(top);
  for (unsigned char const type : {DT_UNKNOWN, DT_DIR}) CHECK(sys::is_directory(fd.get(), {"d", type}));
  for (unsigned char const type : {DT_UNKNOWN, DT_LNK}) CHECK_FALSE(sys::is_directory(fd.get(), {"l", type}));
  CHECK_FALSE(sys::is_directory(fd.get(), {"absent", DT_UNKNOWN}));
}

TEST_CASE("a directory is not entered through a link or across a mount", "[sys][directory]") {
  testing::TempDir const dir;
  auto const top = dir.path().native();
  REQUIRE(::mkdir((top + "/d").c_str(), 0700) == 0);
  REQUIRE(::mkdir((top + "/mounted").c_str(), 0700) == 0);
  REQUIRE(::symlink("d", (top + "/l").c_str()) == 0);
  auto const fd = opened(top);
  CHECK(sys::try_enter(fd.get(), "d"));
  CHECK_FALSE(sys::try_enter(fd.get(), "l"));
  CHECK((errno == ELOOP || errno == ENOTDIR));
  CHECK_FALSE(sys::try_enter(fd.get(), "absent"));
  CHECK(errno == ENOENT);
  if (::mount("none", (top + "/mounted").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  CHECK_FALSE(sys::try_enter(fd.get(), "mounted"));
  CHECK(errno == EXDEV);
}

TEST_CASE("a way down knows its names, and comes back up however deep it was", "[sys][directory]") {
  testing::TempDir const dir;
  sys::Descent<int> way(dir.path().native());
  CHECK(way.empty());
  way.enter(opened(dir.path().native()), {}, 0);
  CHECK(way.relative().empty());
  CHECK(way.path().native() == dir.path().native());
  CHECK(way.path("x").native() == dir.path().native() + "/x");
  constexpr int depth = 200;  // more than are kept open
  std::string names;
  for (int i = 1; i <= depth; ++i) {
    auto const name = 'd' + std::to_string(i);
    REQUIRE(::mkdirat(way.fd(), name.c_str(), 0700) == 0);
    auto fd = sys::try_enter(way.fd(), name.c_str());
    REQUIRE(fd);
    way.enter(std::move(fd), name, i);
    names += (i == 1 ? "" : "/") + name;
  }
  CHECK(way.depth() == depth + 1);
  CHECK(way.relative() == names);
  CHECK(way.relative("file") == names + "/file");
  for (int i = depth; i >= 1; --i) {
    REQUIRE(way.here().extra == i);
    CHECK(way.leave() == 'd' + std::to_string(i));
    REQUIRE(::unlinkat(way.fd(), ('d' + std::to_string(i)).c_str(), AT_REMOVEDIR) ==
            0);  // it is the right one
  }
  CHECK(way.leave().empty());
  CHECK(way.empty());
}

TEST_CASE("a way up that was moved meanwhile is not taken", "[sys][directory]") {
  testing::TempDir const dir;
  auto const top = dir.path().native();
  sys::Descent<sys::Nothing> way(top);
  way.enter(opened(top), {}, {});
  for (int i = 0; i < 100; ++i) {
    REQUIRE(::mkdirat(way.fd(), "d", 0700) == 0);
    way.enter(sys::try_enter(way.fd(), "d"), "d", {});
  }
  REQUIRE(::mkdir((top + "/other").c_str(), 0700) == 0);
  // What was ten levels down has another parent now; its own was closed.
  std::string deep = top;
  for (int i = 0; i < 10; ++i) deep += "/d";
  REQUIRE(::rename(deep.c_str(), (top + "/other/d").c_str()) == 0);
  std::error_code code;
  try {
    while (!way.empty()) way.leave();
  } catch (Error const& error) {
    code = error.code();
  }
  CHECK(code == std::error_code(ESTALE, std::system_category()));
}
