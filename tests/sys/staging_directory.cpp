#include <strata/fs.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "tools/flushed.hpp"
#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

std::vector<std::string> names_in(fs::path const& path) {
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().native());
  std::sort(names.begin(), names.end());
  return names;
}

/// What a dead owner leaves.
void leave_behind(fs::path const& root, std::string const& number) {
  sys::make_directories(root / ("temp-dir-" + number) / "0-addition/sub", 0700);
  sys::replace_file(root / ("temp-dir-" + number) / "0-addition/file", "x");
  sys::replace_file(root / ("lock-" + number), "");
}

/// Runs `body` in another process and gives its exit status.
template <class Body>
int in_child(Body&& body) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool posix_lock(int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  return ::fcntl(fd, F_SETLK, &lock) == 0;
}

}  // namespace

TEST_CASE("a temp-dir has the names, modes and lock of the protocol, and leaves nothing", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "new/tmp";
  auto held = sys::StagingDirectory::create(root);
  auto const names = names_in(root);
  REQUIRE(names.size() == 2);
  auto const number = names[0].substr(5);
  CHECK(names[0] == "lock-" + number);
  CHECK(names[1] == "temp-dir-" + number);
  CHECK(number.find_first_not_of("0123456789") == std::string::npos);
  CHECK(held.path() == root / names[1]);
  struct stat status {};
  REQUIRE(::stat(held.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(::stat((root / names[0]).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(status.st_size == 0);
  // A Go program, trying the lock as a recoverer would.
  CHECK(in_child([&] {
          sys::Fd const fd(::open((root / names[0]).c_str(), O_RDWR | O_CREAT, 0644));
          return posix_lock(fd.get()) ? 1 : 0;
        }) == 0);
  CHECK(held.next_addition() == held.path() / "0-addition");
  sys::make_directories(held.path() / "0-addition/sub", 0700);
  held.remove();
  CHECK_FALSE(held);
  held.remove();
  CHECK(names_in(root).empty());
}

TEST_CASE("take moves in under a number that also counts what was missing", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto held = sys::StagingDirectory::create(dir / "tmp");
  sys::make_directories(dir / "layer/sub", 0700);
  sys::replace_file(dir / "file", "x");
  CHECK(held.take(dir / "layer"));
  CHECK_FALSE(held.take(dir / "missing"));
  CHECK(held.take(dir / "file"));
  CHECK(held.next_addition().filename() == "3-addition");
  CHECK(names_in(held.path()) == std::vector<std::string>{"0-layer", "2-file"});
  sys::replace_file(dir / std::string(255, 'n'), "x");
  CHECK(held.take(dir / std::string(255, 'n')));
  CHECK(names_in(dir.path()) == std::vector<std::string>{"tmp"});
}

TEST_CASE("take detaches mounts, and deletes in place what is on another file system", "[sys][temp_dir]") {
  testing::TempDir dir;
  sys::make_directories(dir / "other", 0700);
  sys::make_directories(dir / "outside", 0700);
  sys::replace_file(dir / "outside/file", "kept");
  if (::mount("none", (dir / "other").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  auto held = sys::StagingDirectory::create(dir / "tmp");
  sys::make_directories(dir / "layer/merged", 0700);
  sys::bind_mount(dir / "outside", dir / "layer/merged");
  CHECK(held.take(dir / "layer"));
  CHECK(names_in(held.path()) == std::vector<std::string>{"0-layer"});
  CHECK(names_in(held.path() / "0-layer/merged").empty());
  sys::make_directories(dir / "other/layer/sub", 0700);
  CHECK(held.take(dir / "other/layer"));
  CHECK(names_in(dir / "other").empty());
  held.remove();
  CHECK(sys::read_file(dir / "outside/file") == "kept");
}

TEST_CASE("a temp-dir ends with its object, also by move assignment", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  {
    auto first = sys::StagingDirectory::create(root);
    auto const second_path = [&] {
      auto second = sys::StagingDirectory::create(root);
      auto path = second.path();
      first = std::move(second);
      return path;
    }();
    CHECK(first.path() == second_path);
    CHECK(fs::exists(second_path));
    CHECK(names_in(root).size() == 2);
    auto const third = std::move(first);
    CHECK(fs::exists(second_path));
  }
  CHECK(names_in(root).empty());
}

TEST_CASE("recover removes what the dead left and nothing else", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK_FALSE(fs::exists(root));
  leave_behind(root, "1");
  sys::make_directories(root / "temp-dir-2/sub", 0700);  // without lock file
  sys::replace_file(root / "lock-3", "");                // without directory
  sys::make_directories(root / "other", 0700);
  sys::replace_file(root / "temp", "");
  auto const live = sys::StagingDirectory::create(root);
  CHECK(sys::StagingDirectory::recover(root).empty());
  auto const live_name = live.path().filename().native();
  CHECK(names_in(root) ==
        std::vector<std::string>{"lock-" + live_name.substr(9), "other", "temp", live_name});
}

TEST_CASE("recover leaves alone what others hold, by POSIX locks and by ours", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  leave_behind(root, "1");
  leave_behind(root, "2");
  int ready[2], done[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(done) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    ::close(done[1]);
    int const posix = ::open((root / "lock-1").c_str(), O_RDWR | O_CREAT, 0644);
    int const ofd = ::open((root / "lock-2").c_str(), O_RDWR | O_CREAT, 0644);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    char answer = posix_lock(posix) && ::fcntl(ofd, F_OFD_SETLK, &lock) == 0 ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    ::_exit(::read(done[0], &answer, 1) == 0 ? 0 : 1);
  }
  ::close(done[0]);
  char answer = 'n';
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  REQUIRE(answer == 'y');
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK(names_in(root).size() == 4);
  CHECK(sys::read_file(root / "temp-dir-1/0-addition/file") == "x");
  ::close(done[1]);
  ::waitpid(child, nullptr, 0);
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK(names_in(root).empty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("whatever keeps a recoverer from finishing, what it could not finish stays", "[sys][temp_dir]") {
  testing::TempDir const dir;
  auto const root = dir / "tmp";
  {
    auto left = sys::StagingDirectory::create(root);
    left.note("layer-x");
    left.leave();
  }
  CHECK_THROWS_AS(
      sys::StagingDirectory::recover(
          root, [](sys::StagingDirectory const&) -> bool { throw std::runtime_error("no memory"); }),
      std::runtime_error);
  std::vector<std::string> notes;
  CHECK(sys::StagingDirectory::recover(root, [&](sys::StagingDirectory const& left) {
          notes = left.notes();
          return true;
        }).empty());
  CHECK(notes == std::vector<std::string>{"layer-x"});
}

TEST_CASE("recover unmounts before it deletes", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  leave_behind(root, "1");
  sys::make_directories(dir / "outside", 0700);
  sys::replace_file(dir / "outside/file", "kept");
  if (::mount((dir / "outside").c_str(), (root / "temp-dir-1/0-addition/sub").c_str(), "", MS_BIND, "") !=
      0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK(names_in(root).empty());
  CHECK(sys::read_file(dir / "outside/file") == "kept");
}

TEST_CASE("one that cannot be removed is reported, and keeps no other from being removed",
          "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  leave_behind(root, "1");
  leave_behind(root, "3");
  sys::make_directories(root / "lock-2", 0700);
  auto const problems = sys::StagingDirectory::recover(root);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].code() == std::errc::is_a_directory);
  CHECK(problems[0].subject() == "open " + (root / "lock-2").native());
  CHECK(names_in(root) == std::vector<std::string>{"lock-2"});
  sys::replace_file(dir / "file", "x");
  CHECK_THROWS_AS(sys::StagingDirectory::recover(dir / "file"), Error);
}

TEST_CASE("owners and cleaners at work together never lose a live directory", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  std::atomic<bool> stop = false;
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> cleaners;
    for (int t = 0; t < 2; ++t)
      cleaners.emplace_back([&] {
        while (!stop) sys::StagingDirectory::recover(root);
      });
    std::vector<std::jthread> owners;
    for (int t = 0; t < 2; ++t)
      owners.emplace_back([&] {
        for (int i = 0; i < 300; ++i) {
          auto held = sys::StagingDirectory::create(root);
          auto const file = held.next_addition();
          try {
            sys::replace_file(file, "x", {.flush = Flush::none});
            std::this_thread::yield();
            if (sys::read_file_if_exists(file) != "x") ++lost;
          } catch (Error const&) {
            ++lost;
          }
        }
      });
    owners.clear();
    stop = true;
  }
  CHECK(lost == 0);
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK(names_in(root).empty());
}

TEST_CASE("nothing is taken of a name that is too long for any file", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto held = sys::StagingDirectory::create(dir / "tmp");
  CHECK_FALSE(held.take(dir / std::string(300, 'x')));
}

TEST_CASE("what is left keeps its notes, and is finished by who says so", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  auto held = sys::StagingDirectory::create(root);
  held.note("one");
  CHECK(held.notes() == std::vector<std::string>{"one"});
  held.leave();
  CHECK(sys::StagingDirectory::recover(root, [](auto const& left) { return left.notes().empty(); }).empty());
  CHECK(names_in(root).size() == 2);
  auto const failing = [](auto const&) -> bool { throw Error(Errc::stopped, "here"); };
  CHECK(sys::StagingDirectory::recover(root, failing).size() == 1);
  CHECK(names_in(root).size() == 2);
  CHECK(sys::StagingDirectory::recover(root, [](auto const& left) {
          return left.notes().size() == 1;
        }).empty());
  CHECK(names_in(root).empty());
}

TEST_CASE("a note may be longer than a name; one that was not written to its end is none",
          "[sys][temp_dir]") {
  testing::TempDir dir;
  auto held = sys::StagingDirectory::create(dir / "tmp");
  std::vector<std::string> const texts{"short", std::string(200, 'a'), std::string(199, 'b') + "cd",
                                       std::string(200, 'd') + std::string(200, 'e') + 'f'};
  for (auto const& text : texts) held.note(text);
  CHECK(held.notes() == texts);
  held.next_addition();
  sys::replace_file(held.path() / "9-part-begun", "");
  CHECK(held.notes() == texts);
  sys::replace_file(held.path() / "11-note-other", "");
  CHECK(held.notes().back() == "other");
}

TEST_CASE("a killed owner's directory is recovered by the next", "[sys][temp_dir]") {
  testing::TempDir dir;
  auto const root = dir / "tmp";
  CHECK(in_child([&] {
          auto held = sys::StagingDirectory::create(root);
          sys::replace_file(held.next_addition(), "x");
          ::_exit(7);
          return 0;
        }) == 7);
  CHECK(names_in(root).size() == 2);
  CHECK(sys::StagingDirectory::recover(root).empty());
  CHECK(names_in(root).empty());
}

TEST_CASE("what is deleted in place, on another file system, is flushed if that is asked for",
          "[sys][staging]") {
  if (!fs::exists("/dev/shm")) return;
  testing::TempDir const here;
  testing::TempDir const there("/dev/shm");
  auto staging = sys::StagingDirectory::create(here / "tmp");
  struct stat one {
  }, two{};
  REQUIRE((::stat(here.path().c_str(), &one) == 0 && ::stat(there.path().c_str(), &two) == 0));
  if (one.st_dev == two.st_dev) return;
  auto const take = [&](Flush flush) {
    sys::make_directories(there / "item/data", 0700);
    bool const flushed = tools::flushes(there.path(), [&] { staging.take(there / "item", flush); });
    CHECK_FALSE(fs::exists(there / "item"));
    return flushed;
  };
  CHECK_FALSE(take(Flush::none));
  CHECK(take(Flush::full));
  // What is renamed goes with the intents, in their order.
  sys::make_directories(here / "item", 0700);
  CHECK(tools::flushed_by([&] { staging.take(here / "item", Flush::full); }).empty());
}
