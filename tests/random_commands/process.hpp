#pragma once

#include <strata/fs.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace random_commands {

/// What a command left: its exit status (128 and the signal's number after a signal), its output, and the files that it
/// made in its working directory.
struct Output {
  int status = 0;
  std::string out = {};
  std::string err = {};
  std::map<std::string, std::string> files = {};

  bool operator==(Output const&) const = default;
};

[[noreturn]] inline void fail(std::string const& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

inline std::string contents(int fd, std::string const& path) {
  std::string out;
  std::array<char, 65536> part;
  for (;;) {
    auto const n = ::pread(fd, part.data(), part.size(), static_cast<off_t>(out.size()));
    if (n < 0) fail("read " + path);
    if (n == 0) return out;
    out.append(part.data(), static_cast<std::size_t>(n));
  }
}

inline std::string contents(strata::fs::path const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) fail("open " + path.native());
  auto out = contents(fd, path.native());
  ::close(fd);
  return out;
}

/// A program that runs, with its output kept in memory, until `wait()`. A program that takes longer than a minute is ended
/// and counts as status 999.
class Process {
 public:
  /// @param input  path of what it reads from its standard input
  Process(std::vector<std::string> arguments, strata::fs::path directory, std::string const& input)
      : directory_(std::move(directory)), out_(memory()), err_(memory()) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_, 1);
    posix_spawn_file_actions_adddup2(&actions, err_, 2);
    posix_spawn_file_actions_addchdir_np(&actions, directory_.c_str());
    std::vector<char*> words;
    for (auto& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                home = "HOME=/root", language = "LC_ALL=C.UTF-8";
    std::array<char*, 4> environment{path.data(), home.data(), language.data(), nullptr};
    int const error =
        ::posix_spawnp(&pid_, words.front(), &actions, nullptr, words.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), arguments.front());
  }
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;
  ~Process() {
    if (pid_ > 0) end();
    ::close(out_);
    ::close(err_);
  }

  Output wait() {
    Output result{.status = end(), .out = contents(out_, "stdout"), .err = contents(err_, "stderr")};
    for (auto const& file : strata::fs::recursive_directory_iterator(directory_))
      result.files[file.path().lexically_relative(directory_).native()] =
          strata::fs::is_symlink(file.symlink_status())
              ? "-> " + strata::fs::read_symlink(file.path()).native()
          : strata::fs::is_regular_file(file.status()) ? contents(file.path())
          : strata::fs::is_directory(file.status())    ? "a directory"
                                                       : "neither a file nor a directory";
    for (auto const& file : strata::fs::directory_iterator(directory_)) strata::fs::remove_all(file.path());
    return result;
  }

  /// Without a look at what it wrote.  @return  its status
  int end() {
    int const handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
    bool const in_time = handle < 0 || ::poll(&ended, 1, 60'000) != 0;
    if (handle >= 0) ::close(handle);
    if (!in_time) ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return !in_time ? 999 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  static int memory() {
    int const fd = ::memfd_create("output", MFD_CLOEXEC);
    if (fd < 0) fail("memfd_create");
    return fd;
  }

  strata::fs::path directory_;
  int out_, err_;
  pid_t pid_ = -1;
};

}  // namespace random_commands
