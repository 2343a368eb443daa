#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <system_error>

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
