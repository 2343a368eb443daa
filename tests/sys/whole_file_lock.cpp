#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/whole_file_lock.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <thread>

namespace whole_file_lock_tests {  // several files of tests are compiled as one
namespace {

using namespace strata;
using sys::LockKind;
using sys::LockWait;

sys::Fd open(fs::path const& path) { return sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600); }

}  // namespace

TEST_CASE("locks of descriptions exclude each other as their kinds say", "[sys]") {
  testing::TempDir const dir;
  auto const one = open(dir / "lock"), two = open(dir / "lock");
  CHECK_FALSE(sys::is_locked_elsewhere(two.get()));
  REQUIRE(sys::try_lock(one.get(), LockKind::shared));
  CHECK(sys::is_locked_elsewhere(two.get()));
  CHECK_FALSE(sys::is_locked_elsewhere(one.get()));  // its own
  REQUIRE(sys::try_lock(two.get(), LockKind::shared));
  CHECK_FALSE(sys::try_lock(one.get(), LockKind::exclusive));
  CHECK((errno == EAGAIN || errno == EACCES));
  auto waits = open(dir / "lock");
  std::thread waiting([&] { CHECK(sys::try_lock(waits.get(), LockKind::exclusive, LockWait::yes)); });
  {
    auto const gone = sys::Fd(::dup(one.get()));
    REQUIRE(sys::try_lock(one.get(), LockKind::shared));
  }  // a description lasts as long as one of its descriptors
  CHECK(sys::is_locked_elsewhere(two.get()));
  for (auto const* fd : {&one, &two}) {
    struct flock nothing {};
    nothing.l_type = F_UNLCK;
    REQUIRE(::fcntl(fd->get(), F_OFD_SETLK, &nothing) == 0);
  }
  waiting.join();
  CHECK_FALSE(sys::try_lock(one.get(), LockKind::shared));
  waits.reset();
  CHECK(sys::try_lock(one.get(), LockKind::exclusive));
}

TEST_CASE("a lock needs a descriptor that could do what it allows", "[sys]") {
  testing::TempDir const dir;
  sys::replace_file(dir / "lock", "");
  auto const reader = sys::open_at(AT_FDCWD, dir / "lock", O_RDONLY);
  CHECK_FALSE(sys::try_lock(reader.get(), LockKind::exclusive));
  CHECK(errno == EBADF);
  CHECK(sys::try_lock(reader.get(), LockKind::shared));
}

TEST_CASE("a path that leads to another file than the open one is told", "[sys]") {
  testing::TempDir const dir;
  auto const fd = open(dir / "lock");
  CHECK(sys::is_file_at(dir / "lock", fd.get()));
  fs::rename(dir / "lock", dir / "moved");
  CHECK_FALSE(sys::is_file_at(dir / "lock", fd.get()));
  fs::create_symlink("moved", dir / "lock");
  CHECK_FALSE(sys::is_file_at(dir / "lock", fd.get()));  // a link is another file
  CHECK(sys::is_file_at(dir / "moved", fd.get()));
}

}  // namespace whole_file_lock_tests
