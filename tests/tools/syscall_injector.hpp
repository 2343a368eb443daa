#pragma once

#include "syscall_tracer.hpp"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <linux/seccomp.h>
#include <poll.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

/// Makes system calls of a piece of work fail that runs in a thread of this very process. It costs a tenth of a traced
/// child where page faults are dear; what crashes takes the process along, and nothing can be killed.
namespace tools {

namespace detail {

/// Those calls of this thread, and of threads that it starts, wait for a decision; all others are made at once.
/// @return  descriptor on which the decisions are made
inline int ask_for(std::span<int const> calls) {
  auto code = filter_code(calls, SECCOMP_RET_USER_NOTIF);
  sock_fprog const program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  auto const set = [&] {
    return static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  };
  int listener = set();
  if (listener < 0 && errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) listener = set();
  return listener;
}

/// Answers one call, if it still waits.
inline void answer(int listener, std::function<Decision(SystemCall const&)> const& decide) {
  seccomp_notif asked{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
  SystemCall call{.thread = static_cast<pid_t>(asked.pid), .number = asked.data.nr};
  std::ranges::copy(asked.data.args, call.arguments.begin());
  auto const decision = decide(call);
  seccomp_notif_resp told{.id = asked.id, .val = 0, .error = -decision.error, .flags = 0};
  if (decision.error == 0) told.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &told);
}

}  // namespace detail

/// @param work    throws nothing
/// @param calls   numbers of system calls
/// @param decide  asked before each of them, in the thread of the caller; cannot kill
inline void inject(std::function<void()> const& work, std::span<int const> calls,
                   std::function<Decision(SystemCall const&)> const& decide) {
  std::array<int, 2> ended{};  // closing is not asked about, writing could be made to fail
  if (::pipe2(ended.data(), O_CLOEXEC) != 0) detail::tracer_failed("pipe");
  std::atomic<int> listener = 0;  // until there is one; negative: an error
  std::thread worker([&] {
    int const fd = detail::ask_for(calls);
    listener = fd < 0 ? -errno : fd;
    listener.notify_one();
    if (fd >= 0) work();
    ::close(ended[1]);
  });
  listener.wait(0);
  std::array<pollfd, 2> ready{pollfd{.fd = listener, .events = POLLIN, .revents = 0},
                              pollfd{.fd = ended[0], .events = POLLIN, .revents = 0}};
  while (listener > 0) {
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[1].revents != 0) break;
    if (ready[0].revents != 0) detail::answer(listener, decide);
  }
  // A thread that ends makes calls, too: the allocator's. Nobody would answer them now; from here on they fail, unasked.
  if (listener > 0) ::close(listener);
  worker.join();
  ::close(ended[0]);
  if (listener < 0) {
    errno = -listener;
    detail::tracer_failed("seccomp");
  }
}

}  // namespace tools
