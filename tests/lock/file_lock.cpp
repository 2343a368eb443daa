#include <strata/fs.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using strata::FileLock;

namespace {

/// Another process that holds a POSIX lock, as the Go programs do, until the object ends.
class PosixHolder {
 public:
  PosixHolder(strata::fs::path const& path, int type, int command = F_SETLK) {
    int told[2], hold[2];
    REQUIRE(::pipe(told) == 0);
    REQUIRE(::pipe(hold) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(told[0]);
      ::close(hold[1]);
      int const fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
      struct flock lock {};
      lock.l_type = static_cast<short>(type);
      char answer = ::fcntl(fd, command, &lock) == 0 ? 'y' : 'n';
      if (::write(told[1], &answer, 1) != 1) ::_exit(1);
      if (::read(hold[0], &answer, 1) > 0) ::_exit(1);
      ::_exit(0);
    }
    ::close(told[1]);
    ::close(hold[0]);
    told_ = strata::sys::Fd(told[0]);
    hold_ = strata::sys::Fd(hold[1]);
  }
  ~PosixHolder() {
    hold_.reset();
    ::waitpid(child_, nullptr, 0);
  }
  /// Waits for the child's word.
  bool holds() {
    char answer = 'n';
    return ::read(told_.get(), &answer, 1) == 1 && answer == 'y';
  }

 private:
  pid_t child_ = -1;
  strata::sys::Fd told_, hold_;
};

}  // namespace

TEST_CASE("a lock file is made with its directory, and has no token until one is written", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "new/layers.lock");
  auto guard = lock.exclusive();
  CHECK(strata::fs::file_size(lock.path()) == 0);
  CHECK(guard.token().empty());
  struct stat status {};
  REQUIRE(::stat((dir / "new").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(::stat(lock.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
}

TEST_CASE("a token is 64 bytes of the documented layout, seen by all, never the same twice", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "lock");
  std::string first, second;
  {
    auto guard = lock.exclusive();
    first = guard.renew();
    CHECK(guard.token() == first);
    second = guard.renew();
  }
  CHECK(first.size() == 64);
  CHECK(first != second);
  CHECK(lock.shared().token() == second);
  CHECK(strata::sys::read_file(lock.path()) == second);
  auto const number = [](std::string_view text) {
    std::uint64_t value = 0;
    for (std::size_t i = text.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[i]);
    return value;
  };
  auto const now = std::chrono::system_clock::now().time_since_epoch() / 1ns;
  CHECK(static_cast<std::int64_t>(number(second.substr(0, 8))) > now - 60'000'000'000);
  CHECK(static_cast<std::int64_t>(number(second.substr(0, 8))) <= now);
  CHECK(number(second.substr(8, 8)) == number(first.substr(8, 8)) + 1);
  CHECK(number(second.substr(16, 4)) == static_cast<std::uint64_t>(::getpid()));
}

TEST_CASE("a token of another length is read as it is and replaced", "[lock]") {
  strata::testing::TempDir dir;
  strata::sys::replace_file(dir / "short", "12345");
  strata::sys::replace_file(dir / "long", std::string(100, 'x'));
  CHECK(FileLock(dir / "short").shared().token() == "12345");
  CHECK(FileLock(dir / "long").shared().token() == std::string(64, 'x'));
  auto const token = FileLock(dir / "long").exclusive().renew();
  CHECK(strata::sys::read_file(dir / "long") == token + std::string(36, 'x'));
}

TEST_CASE("in one process, guards exclude each other as their kinds say", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "lock");
  FileLock const same(dir / "lock");
  {
    auto const reading = lock.shared();
    CHECK(same.try_shared());
    CHECK_FALSE(same.try_exclusive());
    strata::sys::read_file(dir / "lock");  // closing another descriptor of the file must not drop the lock
    CHECK_FALSE(same.try_exclusive());
  }
  {
    auto writing = lock.exclusive();
    CHECK_FALSE(same.try_shared());
    CHECK_FALSE(lock.try_exclusive());
    auto const moved = std::move(writing);
    CHECK_FALSE(lock.try_exclusive());
  }
  CHECK(same.try_exclusive());
}

TEST_CASE("threads take turns at an exclusive lock", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "lock");
  int counter = 0;  // deliberately not atomic
  std::atomic<int> inside = 0;
  std::atomic<bool> met = false;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        auto const guard = lock.exclusive();
        if (++inside != 1) met = true;
        ++counter;
        --inside;
      }
    });
  threads.clear();
  CHECK(counter == 800);
  CHECK_FALSE(met);
}

TEST_CASE("our locks and the POSIX locks of other processes exclude each other", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "lock");
  SECTION("theirs first") {
    {
      PosixHolder writer(lock.path(), F_WRLCK);
      REQUIRE(writer.holds());
      CHECK_FALSE(lock.try_shared());
      CHECK_FALSE(lock.try_exclusive());
    }
    PosixHolder reader(lock.path(), F_RDLCK);
    REQUIRE(reader.holds());
    CHECK(lock.try_shared());
    CHECK_FALSE(lock.try_exclusive());
  }
  SECTION("ours first") {
    {
      auto const writing = lock.exclusive();
      CHECK_FALSE(PosixHolder(lock.path(), F_RDLCK).holds());
      CHECK_FALSE(PosixHolder(lock.path(), F_WRLCK).holds());
    }
    auto const reading = lock.shared();
    CHECK(PosixHolder(lock.path(), F_RDLCK).holds());
    CHECK_FALSE(PosixHolder(lock.path(), F_WRLCK).holds());
  }
  SECTION("we wait for them") {
    std::atomic<bool> got = false;
    std::jthread waiter;
    {
      PosixHolder holder(lock.path(), F_WRLCK);
      REQUIRE(holder.holds());
      waiter = std::jthread([&] {
        auto const guard = lock.exclusive();
        got = true;
      });
      std::this_thread::sleep_for(50ms);
      CHECK_FALSE(got);
    }
    waiter.join();
    CHECK(got);
  }
}

TEST_CASE("signals do not end the wait for a lock", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "lock");
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) {};  // without SA_RESTART: system calls fail with EINTR
  REQUIRE(::sigaction(SIGUSR1, &action, &old) == 0);
  std::atomic<bool> got = false;
  {
    std::jthread waiter;
    auto guard = std::optional(lock.exclusive());
    waiter = std::jthread([&] {
      auto const waited = lock.exclusive();
      got = true;
    });
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(10ms);
      ::pthread_kill(waiter.native_handle(), SIGUSR1);
    }
    CHECK_FALSE(got);
    guard.reset();
  }
  CHECK(got);
  ::sigaction(SIGUSR1, &old, nullptr);
}

TEST_CASE("a lock whose file went away during the wait is taken on the new file", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const lock(dir / "sub/lock");
  std::optional<FileLock::Guard> waited;
  {
    auto const guard = lock.exclusive();
    std::jthread waiter([&] { waited = lock.exclusive(); });
    std::this_thread::sleep_for(50ms);
    strata::fs::remove_all(dir / "sub");
    { auto const release = std::move(const_cast<FileLock::Guard&>(guard)); }
  }
  REQUIRE(waited);
  CHECK(strata::fs::exists(lock.path()));
  CHECK_FALSE(lock.try_exclusive());
}

TEST_CASE("a read-only lock makes nothing, is never exclusive, and does without a file", "[lock]") {
  strata::testing::TempDir dir;
  FileLock const missing(dir / "none/lock", strata::ReadOnly{});
  CHECK(missing.shared().token().empty());
  CHECK_FALSE(missing.shared().excludes());
  CHECK_FALSE(strata::fs::exists(dir / "none"));
  strata::sys::replace_file(dir / "lock", "token");
  FileLock const lock(dir / "lock", strata::ReadOnly{});
  CHECK(lock.shared().token() == "token");
  CHECK(lock.shared().excludes());
  CHECK_THROWS_MATCHES(lock.exclusive(), strata::Error, Catch::Predicate<strata::Error>([](auto const& e) {
                         return e.code() == strata::Errc::store_read_only;
                       }));
  auto const writer = FileLock(dir / "lock").exclusive();
  CHECK_FALSE(lock.try_shared());
  CHECK(lock.unlocked().token() == "token");
  CHECK_FALSE(lock.unlocked().excludes());
  CHECK_FALSE(missing.unlocked().excludes());
}

TEST_CASE("what stands in the way of a lock file is named", "[lock]") {
  strata::testing::TempDir dir;
  strata::sys::replace_file(dir / "file", "");
  try {
    static_cast<void>(FileLock(dir / "file/lock").shared());
    FAIL("no error");
  } catch (strata::Error const& error) {
    CHECK(error.code() == std::errc::not_a_directory);
    CHECK(error.subject() == "open " + (dir / "file/lock").native());
  }
}
