#pragma once

#include <strata/sys/ask_program.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <climits>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::sys {

namespace detail {

/// A program that is killed unless it has been waited for.
class RunningProgram {
 public:
  explicit RunningProgram(pid_t child) : child_(child) {}
  RunningProgram(RunningProgram&&) = delete;
  RunningProgram& operator=(RunningProgram&&) = delete;
  ~RunningProgram() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    wait();
  }

  int wait() noexcept {
    int status = 0;
    retry([&] { return ::waitpid(child_, &status, 0); });
    child_ = 0;
    return status;
  }

 private:
  pid_t child_;
};

/// Waits for one of the descriptors. @return false if the time is over
inline bool wait_until(std::chrono::steady_clock::time_point end, pollfd* fds, nfds_t count,
                       std::string const& program) {
  for (;;) {
    auto const left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    auto const ready = ::poll(fds, count, static_cast<int>(std::min<decltype(left)>(left, INT_MAX)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw_errno("poll", program);
  }
}

/// Appends what a pipe has at the moment, up to `most` bytes in all and one more.
/// @return false at its end
inline bool drain(int pipe, std::string& to, std::size_t most, std::string const& program) {
  while (to.size() <= most) {
    auto const before = to.size();
    to.resize(std::min(most + 1, before + 4096));
    auto const n = retry([&] { return ::read(pipe, to.data() + before, to.size() - before); });
    to.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) return false;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) throw_errno("read", program);
  }
  return true;
}

}  // namespace detail

STRATA_INLINE Ended ask_program(std::vector<std::string> const& words, AskOptions const& options) {
  auto const& name = words.front();
  auto const end = std::chrono::steady_clock::now() + options.time;
  // A file, not a pipe: nobody has to write while the program reads, or gets SIGPIPE if it does not.
  Fd const question(::memfd_create("question", MFD_CLOEXEC));
  int ends[2] = {-1, -1};
  if (!question || ::pipe2(ends, O_CLOEXEC) != 0) throw_errno("run", name);
  Fd const answer(ends[0]);
  Fd of_program(ends[1]);
  write_all(question.get(), as_bytes(options.input), name);
  if (::lseek(question.get(), 0, SEEK_SET) != 0 || ::fcntl(answer.get(), F_SETFL, O_NONBLOCK) != 0)
    throw_errno("run", name);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, question.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, of_program.get(), STDOUT_FILENO);
  // Whoever holds signals back in this thread does not mean those of the program, which Ctrl-C is to end.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = -1;
  int const failed = detail::spawn(child, words, actions, &attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  errno = failed;
  if (failed != 0) throw_errno("run", name);
  of_program.reset();
  detail::RunningProgram program(child);
  Fd const ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (!ended) throw_errno("run", name);

  Ended out;
  pollfd fds[] = {{.fd = ended.get(), .events = POLLIN, .revents = 0},
                  {.fd = answer.get(), .events = POLLIN, .revents = 0}};
  do {
    if (!detail::wait_until(end, fds, 2, name)) {
      errno = ETIMEDOUT;
      throw_errno("run", name);
    }
    if (fds[1].fd >= 0 && !detail::drain(answer.get(), out.said, options.most_bytes, name)) fds[1].fd = -1;
    if (out.said.size() > options.most_bytes)
      throw Error(Errc::over_budget,
                  "answer of " + name + ": more than " + std::to_string(options.most_bytes) + " bytes");
  } while (fds[0].revents == 0);
  out.status = program.wait();
  return out;
}

}  // namespace strata::sys
