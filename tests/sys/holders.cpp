#include <strata/fs.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

/// A process that does something and then waits.
class Child {
 public:
  explicit Child(std::function<bool()> const& work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      char const answer = work() ? 'y' : 'n';
      if (::write(ends[1], &answer, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char answer = 'n';
    CHECK(::read(ends[0], &answer, 1) == 1);
    ::close(ends[0]);
    ::close(ends[1]);
    worked = answer == 'y';
  }
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }
  bool worked = false;

 private:
  pid_t pid_ = -1;
};

std::vector<std::string> held_by(int pid, fs::path const& path) {
  std::vector<std::string> what;
  for (auto const& holder : sys::holders(path, 100)) {
    if (holder.pid != pid) continue;
    CHECK_FALSE(holder.name.empty());
    CHECK(holder.mount_namespace != 0);
    what.push_back(holder.what);
  }
  return what;
}

}  // namespace

TEST_CASE("a working directory, open and mapped files are found", "[sys][holders]") {
  testing::TempDir const dir;
  fs::create_directories(dir / "held/sub");
  fs::create_directories(dir / "held-not");
  sys::replace_file(dir / "held/file", "text");
  auto const file = (dir / "held/file").native();
  Child const in_directory([&] { return ::chdir((dir / "held/sub").c_str()) == 0; });
  Child const reader([&] { return ::open(file.c_str(), O_RDONLY) >= 0; });
  Child const mapper([&] {
    int const fd = ::open(file.c_str(), O_RDONLY);
    bool const mapped = ::mmap(nullptr, 4, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED;
    return ::close(fd) == 0 && mapped;
  });
  Child const beside([&] { return ::chdir((dir / "held-not").c_str()) == 0; });
  REQUIRE((in_directory.worked && reader.worked && mapper.worked && beside.worked));
  CHECK(held_by(in_directory.pid(), dir / "held") == std::vector<std::string>{"its working directory"});
  CHECK(held_by(reader.pid(), dir / "held") == std::vector<std::string>{"open: " + file});
  CHECK(held_by(mapper.pid(), dir / "held") == std::vector<std::string>{"mapped: " + file});
  CHECK(held_by(beside.pid(), dir / "held").empty());
  CHECK(sys::holders(dir / "held", 2).size() == 2);
}

TEST_CASE("a mount that lives on in another namespace is found, though it is gone from this one",
          "[sys][holders]") {
  if (::geteuid() != 0) {
    WARN("skipped: mounts need root");
    return;
  }
  testing::TempDir const dir;
  auto const point = dir / "point";
  fs::create_directories(point);
  sys::mount(point, {.source = "none", .type = "tmpfs"});
  sys::mount(point, {.flags = MS_PRIVATE});
  Child const elsewhere([&] {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  });
  Child const chrooted([&] { return ::chroot(point.c_str()) == 0 && ::chdir("/") == 0; });
  REQUIRE((elsewhere.worked && chrooted.worked));
  CHECK(held_by(elsewhere.pid(), point) == std::vector<std::string>{"a mount at " + point.native()});
  auto const root = held_by(chrooted.pid(), point);
  CHECK(std::find(root.begin(), root.end(), "its root") != root.end());
  CHECK(sys::unmount(point));
  CHECK(held_by(elsewhere.pid(), point) == std::vector<std::string>{"a mount at " + point.native()});
}

TEST_CASE("who may not take a mount away is told who has it", "[sys][holders]") {
  if (::geteuid() != 0) {
    WARN("skipped: mounts need root");
    return;
  }
  testing::TempDir const dir;
  auto const point = dir / "tree/point";
  fs::create_directories(point);
  fs::permissions(dir.path(), fs::perms::all_all);
  fs::permissions(dir / "tree", fs::perms::all_all);
  sys::mount(point, {.source = "none", .type = "tmpfs"});
  // In a user namespace the mounts of the one above are locked: neither can they go nor what lies below them.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    std::string said = "no user namespace";
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
      said.clear();
      for (auto const& attempt : {std::function<void()>([&] { sys::unmount(point); }),
                                  std::function<void()>([&] { sys::remove_tree(dir / "tree"); })})
        try {
          attempt();
          said += "nothing was thrown\n";
        } catch (Error const& error) {
          said += std::string(error.what()) + '\n';
          if (error.subject().find(error.holder()) == std::string::npos) said += "another holder\n";
        }
    }
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::waitpid(child, nullptr, 0);
  ::close(ends[1]);
  auto const said = [&] {
    std::string text(4096, '\0');
    auto const n = ::read(ends[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }();
  ::close(ends[0]);
  sys::unmount(point);
  if (said == "no user namespace") {
    WARN("skipped: no user namespace can be made");
    return;
  }
  INFO(said);
  CHECK_THAT(said, Catch::StartsWith("unmount " + point.native() + " (held by "));
  CHECK_THAT(said, Catch::Contains("\nunmount " + point.native() + " (held by ") ||
                       Catch::Contains("\nunlink " + point.native() + " (held by "));
  CHECK_THAT(said, Catch::Contains("process " + std::to_string(child) + ", mount namespace ") ||
                       Catch::Contains("a mount at " + point.native()));
  CHECK_THAT(said, !Catch::Contains("another holder") && !Catch::Contains("nothing was thrown"));
}

TEST_CASE("who only shares the mount namespace holds nothing, nor does a kernel thread", "[sys][holders]") {
  // By the flags of proc_pid_stat(5): what has ended meanwhile has none.
  auto const is_kernel_thread = [](int pid) {
    fs::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string word;
    for (int i = 0; i < 6; ++i) fields >> word;
    unsigned long flags = 0;
    fields >> flags;
    return (flags & 0x00200000U) != 0;  // PF_KTHREAD
  };
  for (auto const& holder : sys::holders("/", 100'000))
    CHECK_FALSE((holder.pid != 0 && is_kernel_thread(holder.pid)));

  testing::TempDir const dir;
  auto const point = dir / "point";
  fs::create_directories(point);
  // In a private mount, or other namespaces would see it as well.
  if (::mount(dir.path().c_str(), dir.path().c_str(), nullptr, MS_BIND, nullptr) != 0) {
    WARN("skipped: mounts need root");
    return;
  }
  REQUIRE(::mount(nullptr, dir.path().c_str(), nullptr, MS_PRIVATE, nullptr) == 0);
  REQUIRE(::mount("none", point.c_str(), "tmpfs", 0, "size=64k") == 0);
  Child const neighbour([] { return true; });
  Child const reader([&] { return ::open(point.c_str(), O_RDONLY) >= 0; });
  auto const found = sys::holders(point, 100);
  REQUIRE(::umount2(point.c_str(), MNT_DETACH) == 0);
  REQUIRE(::umount2(dir.path().c_str(), MNT_DETACH) == 0);
  std::vector<std::string> mine;
  for (auto const& holder : found) {
    CHECK(holder.pid != neighbour.pid());
    CHECK(holder.pid != 1);
    if (holder.pid == 0) mine.push_back(holder.what);
  }
  CHECK(mine == std::vector<std::string>{"a mount at " + point.native()});
  REQUIRE_FALSE(found.empty());
  CHECK(found.front().pid == reader.pid());
  CHECK_THAT(sys::describe(found), Catch::StartsWith("held by " + found.front().name + " (process "));
  CHECK_THAT(sys::describe(found),
             Catch::Contains("; a mount at " + point.native() + " in mount namespace "));
}
