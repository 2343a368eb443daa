#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/process.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <fcntl.h>
#include <system_error>

using namespace strata;

TEST_CASE("a program is run, and how it ended is known", "[sys]") {
  CHECK(sys::run({"true"}).succeeded());
  CHECK(sys::run({"sh", "-c", "exit 7"}).text() == "exit status 7");
  CHECK(sys::run({"sh", "-c", "kill -9 $$"}).text() == "signal 9");
  try {
    sys::run({"/no/such/program"});
    FAIL("ran");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
    CHECK(error.subject() == "run /no/such/program");
  }
}

TEST_CASE("a program runs in a directory and writes where it is told", "[sys]") {
  testing::TempDir const dir;
  auto const file = sys::open_at(AT_FDCWD, dir / "out", O_WRONLY | O_CREAT, 0600);
  CHECK(sys::run({"pwd"}, {.directory = dir.path(), .output = file.get()}).succeeded());
  CHECK(sys::read_file(dir / "out") == fs::canonical(dir.path()).native() + '\n');
}

TEST_CASE("what a program prints can be kept", "[sys]") {
  auto const ended = sys::run({"sh", "-c", "echo out; echo err >&2; exit 3"}, {.keep_words = true});
  CHECK(ended.said == "out\nerr\n");
  CHECK(ended.text() == "exit status 3");
  CHECK(sys::run({"true"}).said.empty());
}

TEST_CASE("a program in the foreground gets interrupts that this process does not", "[sys]") {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  CHECK(sys::run({"sh", "-c", "kill -INT $PPID; kill -INT $$; exit 0"}, {.foreground = true}).text() ==
        "signal 2");
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);
}
