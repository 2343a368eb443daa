#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace strata;
namespace fs = boost::filesystem;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
}  // namespace

TEST_CASE("an Fd closes what it owns, once", "[sys][fd]") {
  sys::Fd first = sys::open_at(AT_FDCWD, "/dev/null", O_RDONLY);
  int const number = first.get();
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  sys::Fd second = std::move(first);
  CHECK_FALSE(first);
  CHECK(second.get() == number);
  int const released = second.release();
  CHECK(is_open(released));
  {
    sys::Fd const owner(released);
    errno = EBUSY;
  }
  CHECK(errno == EBUSY);
  CHECK_FALSE(is_open(number));
  sys::Fd third = sys::open_at(AT_FDCWD, "/dev/null", O_RDONLY);
  int const old = third.get();
  third = sys::open_at(AT_FDCWD, "/dev/zero", O_RDONLY);
  CHECK_FALSE(is_open(old));
}

TEST_CASE("an error names the call and the path", "[sys][fd]") {
  try {
    static_cast<void>(sys::open_at(AT_FDCWD, "/no/such file", O_RDONLY));
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::error_code(ENOENT, std::system_category()));
    CHECK(error.subject() == "open /no/such file");
    CHECK(error.what() == std::string("open /no/such file: No such file or directory"));
  }
}

TEST_CASE("try_open_in_root leaves its root neither by .. nor by links", "[sys][fd]") {
  testing::TempDir dir;
  sys::make_directories(dir / "root/etc", 0700);
  sys::replace_file(dir / "secret", "outside");
  sys::replace_file(dir / "root/secret", "inside");
  fs::create_symlink("/secret", dir / "root/absolute");
  fs::create_symlink("../../../secret", dir / "root/etc/relative");
  fs::create_symlink("/proc/self/root", dir / "root/magic");
  fs::create_symlink("loop", dir / "root/loop");
  sys::Fd const root = sys::open_at(AT_FDCWD, dir / "root", O_PATH | O_DIRECTORY);
  for (auto const* path :
       {"secret", "/secret", "../../secret", "absolute", "etc/relative", "etc/../../secret"})
    CHECK(sys::read_rest(sys::try_open_in_root(root.get(), path, O_RDONLY).get(), path) == "inside");
  CHECK_FALSE(sys::try_open_in_root(root.get(), "magic/etc", O_RDONLY));
  CHECK_FALSE(sys::try_open_in_root(root.get(), "loop", O_RDONLY));
  CHECK(errno == ELOOP);
  sys::Fd const made = sys::try_open_in_root(root.get(), "../new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  CHECK(fs::exists(dir / "root/new"));
  sys::Fd const proc = sys::open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
  CHECK_FALSE(sys::try_open_in_root(proc.get(), "self/root/etc", O_RDONLY));
}

TEST_CASE("an error that says what is there does not pass, others may", "[sys][fd]") {
  for (int const code : {ENOENT, ENOTDIR, EISDIR, EINVAL, ELOOP, ENXIO, ENAMETOOLONG})
    CHECK_FALSE(sys::is_transient(Error(std::error_code(code, std::system_category()), "open /x")));
  for (int const code : {EIO, EMFILE, ENFILE, ENOMEM, EACCES, EPERM, ESTALE})
    CHECK(sys::is_transient(Error(std::error_code(code, std::system_category()), "open /x")));
  CHECK_FALSE(sys::is_transient(Error(Errc::corrupt_archive, "x")));
}

TEST_CASE("a path longer than PATH_MAX is opened in steps, and follows no link", "[sys][fd]") {
  testing::TempDir dir;
  std::string const name(250, 'd');
  std::string deep;
  sys::Fd const root = sys::open_at(AT_FDCWD, dir.path(), O_PATH | O_DIRECTORY);
  {
    sys::Fd at = sys::open_at(AT_FDCWD, dir.path(), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 40; ++i, deep += name + "//") {
      REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
      at = sys::open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    }
    sys::Fd const file = sys::open_at(at.get(), "file", O_WRONLY | O_CREAT, 0600);
    sys::write_all(file.get(), as_bytes("text"));
    REQUIRE(::symlinkat("file", at.get(), "link") == 0);
    REQUIRE(::symlinkat(name.c_str(), root.get(), "in") == 0);
  }
  auto const open = [&](std::string const& path,
                        std::uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) {
    return sys::try_open_how(root.get(), path.c_str(), O_RDONLY | O_NOFOLLOW, 0, resolve);
  };
  CHECK(sys::read_rest(open(deep + "file").get(), "file") == "text");
  CHECK(open(deep));
  CHECK_FALSE(open(deep + "missing"));
  CHECK(errno == ENOENT);
  CHECK_FALSE(open(deep + "link"));
  CHECK(errno == ELOOP);
  CHECK_FALSE(open("in/" + deep.substr(name.size() + 2) + "file"));
  CHECK(errno == ELOOP);
  CHECK_FALSE(open(deep + "file", RESOLVE_BENEATH));  // a link might lead back
  CHECK(errno == ENAMETOOLONG);
  CHECK_FALSE(open(deep + std::string(300, 'x')));
  CHECK(errno == ENAMETOOLONG);
  CHECK_FALSE(open(std::string(5000, 'x') + "/file"));
  CHECK(errno == ENAMETOOLONG);

  auto const path = dir.path().native() + "/in/" + deep.substr(name.size() + 2);
  auto const shorter = sys::ShortPath::of(AT_FDCWD, path.c_str());
  REQUIRE(shorter);
  CHECK(sys::try_open_at(AT_FDCWD, shorter.text().c_str(), O_PATH));
  CHECK_FALSE(sys::ShortPath::of(AT_FDCWD, "/short"));
}
