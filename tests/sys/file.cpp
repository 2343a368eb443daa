#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error;
  }
  throw std::logic_error("no error");
}

std::size_t count_in(fs::path const& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
}

unsigned mode_of(fs::path const& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) sys::throw_errno("stat", path);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a temporary file of fixed name takes the place of one that a crash left", "[sys][file]") {
  testing::TempDir dir;
  sys::replace_file(dir / ".tmp-file", "left by a crash, and longer");
  sys::replace_file(dir / "file", "new", {.temporary_name = sys::TemporaryName::fixed});
  CHECK(sys::read_file(dir / "file") == "new");
  CHECK_FALSE(fs::exists(dir / ".tmp-file"));
  REQUIRE(::mkfifo((dir / ".tmp-file").c_str(), 0600) == 0);
  sys::replace_file(dir / "file", "newer", {.temporary_name = sys::TemporaryName::fixed});
  CHECK(sys::read_file(dir / "file") == "newer");
  fs::create_directory(dir / ".tmp-file");
  auto const in_the_way = [&] {
    sys::replace_file(dir / "file", "", {.temporary_name = sys::TemporaryName::fixed});
  };
  CHECK(error_of(in_the_way).code() == std::errc::is_a_directory);
  CHECK(sys::read_file(dir / "file") == "newer");
}

TEST_CASE("files are read whole, whatever their size", "[sys][file]") {
  testing::TempDir dir;
  for (std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 1'000'000u}) {
    std::string text(size, 'x');
    if (size > 1) text[size / 2] = '\0';
    sys::replace_file(dir / "file", text, {.flush = Flush::none});
    CHECK(sys::read_file(dir / "file") == text);
  }
  CHECK_FALSE(sys::read_file("/proc/self/mountinfo").empty());  // whose size is said to be 0
}

TEST_CASE("a file of the largest size is read whole, and a larger or endless one is refused", "[sys][file]") {
  testing::TempDir const dir;
  for (std::size_t const size : {0U, 1U, 4095U, 4096U, 4097U, 100'000U}) {
    std::string const text(size, 'x');
    sys::replace_file(dir / "file", text);
    CHECK(sys::read_limited(dir / "file", size) == text);
    CHECK(sys::read_limited(dir / "file", size + 1) == text);
    if (size > 0)
      CHECK(error_of([&] { sys::read_limited(dir / "file", size - 1); }).code() == Errc::over_budget);
  }
  CHECK(error_of([] { sys::read_limited("/dev/zero", 10'000); }).path() == "/dev/zero");
  CHECK_FALSE(sys::read_limited(dir / "none", 1));
  CHECK_FALSE(sys::read_limited(dir / "file/none", 1));
  CHECK(error_of([&] { sys::read_limited(dir.path(), 1); }).code() == std::errc::is_a_directory);
}

TEST_CASE("a missing file is an error to read_file and nothing to read_file_if_exists", "[sys][file]") {
  testing::TempDir dir;
  auto const error = error_of([&] { sys::read_file(dir / "none"); });
  CHECK(error.code() == std::errc::no_such_file_or_directory);
  CHECK(error.subject() == "open " + (dir / "none").native());
  CHECK_FALSE(sys::read_file_if_exists(dir / "none"));
  CHECK(error_of([&] { sys::read_file_if_exists(dir.path()); }).code() == std::errc::is_a_directory);
}

TEST_CASE("files of a store are read, pipes in their places are not waited for", "[sys][file]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "text", {.flush = Flush::none});
  CHECK(sys::read_stored(dir / "file") == "text");
  CHECK_FALSE(sys::read_stored(dir / "none"));
  CHECK_FALSE(sys::open_stored(dir / "none"));
  CHECK(error_of([&] { sys::read_stored(dir.path()); }).code() == std::errc::is_a_directory);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  auto const pipe = error_of([&] { sys::read_stored(dir / "pipe"); });
  CHECK(pipe.code() == std::errc::invalid_argument);
  CHECK(pipe.subject() == "open " + (dir / "pipe").native());
  CHECK(error_of([&] { sys::read_stored("/dev/null"); }).code() == std::errc::invalid_argument);
  CHECK(sys::read_file_if_exists("/dev/null") == "");
}

TEST_CASE("a file that another process has a lease of is waited for", "[sys][file]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "text", {.flush = Flush::none});
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) {  // the kernel's wish to have it back ends it
    int const file = ::open((dir / "file").c_str(), O_RDWR | O_CLOEXEC);
    bool const leased = ::fcntl(file, F_SETLEASE, F_WRLCK) == 0;
    if (::write(ends[1], leased ? "y" : "n", 1) != 1) ::_exit(1);
    if (leased) ::pause();
    ::_exit(0);
  }
  char leased = 'n';
  CHECK(::read(ends[0], &leased, 1) == 1);
  if (leased == 'y')
    CHECK(sys::read_stored(dir / "file") == "text");
  else
    WARN("skipped: no leases on this file system");
  ::waitpid(child, nullptr, 0);
  for (int const fd : ends) ::close(fd);
}

TEST_CASE("replace_file sets contents and mode, and leaves nothing beside", "[sys][file]") {
  testing::TempDir dir;
  auto const old_mask = ::umask(077);
  sys::replace_file(dir / "file", "one", {.mode = 0644});
  ::umask(old_mask);
  CHECK(mode_of(dir / "file") == 0644);
  sys::replace_file(dir / "file", "two");
  CHECK(mode_of(dir / "file") == 0600);
  CHECK(sys::read_file(dir / "file") == "two");
  sys::replace_file(dir / std::string(255, 'n'), "long");
  CHECK(sys::read_file(dir / std::string(255, 'n')) == "long");
  CHECK(count_in(dir.path()) == 2);
}

TEST_CASE("replace_file works on a name without directory", "[sys][file]") {
  testing::TempDir dir;
  auto const before = fs::current_path();
  fs::current_path(dir.path());
  sys::replace_file("plain", "x");
  fs::current_path(before);
  CHECK(sys::read_file(dir / "plain") == "x");
}

TEST_CASE("a file that is being replaced has a temporary name and the old contents until commit",
          "[sys][file]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "old");
  {
    sys::ReplacingFile file(dir / "file");
    file.write(as_bytes("ne"));
    bool temporary = false;
    for (auto const& entry : fs::directory_iterator(dir.path()))
      temporary = temporary || entry.path().filename().native().starts_with(".tmp-file");
    CHECK(temporary);
    auto moved = std::move(file);
    moved.write(as_bytes("w"));
    CHECK(sys::read_file(dir / "file") == "old");
    moved.commit();
    CHECK(sys::read_file(dir / "file") == "new");
  }
  { sys::ReplacingFile(dir / "file").write(as_bytes("dropped")); }
  CHECK(sys::read_file(dir / "file") == "new");
  CHECK(count_in(dir.path()) == 1);
}

TEST_CASE("a replacement that fails keeps the old file and removes the temporary one", "[sys][file]") {
  testing::TempDir dir;
  CHECK(error_of([&] { sys::replace_file(dir / "none/file", "x"); }).code() ==
        std::errc::no_such_file_or_directory);
  sys::make_directories(dir / "directory/sub", 0700);
  auto const onto = error_of([&] { sys::replace_file(dir / "directory", "x"); });
  CHECK(onto.code() == std::errc::is_a_directory);
  CHECK(onto.subject() == "rename " + (dir / "directory").native());
  CHECK(count_in(dir.path()) == 1);
  sys::make_directories(dir / "small", 0700);
  if (::mount("none", (dir / "small").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("full device skipped: needs the right to mount");
    return;
  }
  sys::replace_file(dir / "small/file", "old");
  auto const full = error_of([&] { sys::replace_file(dir / "small/file", std::string(200'000, 'x')); });
  CHECK(full.code() == std::errc::no_space_on_device);
  CHECK(sys::read_file(dir / "small/file") == "old");
  CHECK(count_in(dir / "small") == 1);
}

TEST_CASE("directories are made with those above them, and existing ones kept", "[sys][file]") {
  testing::TempDir dir;
  sys::make_directories(dir / "a/b/c/", 0710, Flush::full);
  CHECK(mode_of(dir / "a") == 0710);
  CHECK(mode_of(dir / "a/b/c") == 0710);
  sys::make_directories(dir / "a/b", 0700);
  CHECK(mode_of(dir / "a/b") == 0710);
  fs::create_directory_symlink(dir / "a", dir / "link");
  sys::make_directories(dir / "link/new", 0700);
  CHECK(fs::is_directory(dir / "a/new"));
  sys::make_directories("/", 0700);
  sys::make_directories(".", 0700);
  sys::replace_file(dir / "file", "x");
  auto const error = error_of([&] { sys::make_directories(dir / "file", 0700); });
  CHECK(error.code() == std::errc::not_a_directory);
  CHECK(error.subject() == "mkdir " + (dir / "file").native());
  CHECK(error_of([&] { sys::make_directories(dir / "file/below", 0700); }).code() ==
        std::errc::not_a_directory);
  fs::create_symlink("nowhere", dir / "dangling");
  CHECK_THROWS_AS(sys::make_directories(dir / "dangling", 0700), Error);
  CHECK_THROWS_AS(sys::make_directories("", 0700), Error);
}

TEST_CASE("several threads may make the same directories", "[sys][file]") {
  testing::TempDir dir;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) try {
            sys::make_directories(dir / std::to_string(i) / "a/b", 0700);
          } catch (Error const&) {
            ++failures;
          }
      });
  }
  CHECK(failures == 0);
}

TEST_CASE("all bytes reach a pipe that does not block", "[sys][file]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  sys::Fd const out(ends[0]);
  sys::Fd in(ends[1]);
  std::string const sent(1 << 20, 'p');
  std::string got;
  std::jthread reader([&] {
    char buffer[4096];
    while (std::size_t const n = sys::read_some(out.get(), buffer, sizeof buffer, "pipe"))
      got.append(buffer, n);
  });
  sys::write_all(in.get(), as_bytes(sent));
  in.reset();
  reader.join();
  CHECK(got == sent);
}

TEST_CASE("the errors of reading and writing name the call", "[sys][file]") {
  sys::Fd const null = sys::open_at(AT_FDCWD, "/dev/full", O_RDWR);
  auto const full = error_of([&] { sys::write_all(null.get(), as_bytes("x"), "/dev/full"); });
  CHECK(full.code() == std::errc::no_space_on_device);
  CHECK(full.subject() == "write /dev/full");
  CHECK(error_of([&] { sys::read_file("/"); }).subject() == "read /");
}
