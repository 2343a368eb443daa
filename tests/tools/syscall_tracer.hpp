#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <span>
#include <string>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

/// Runs a piece of work in a child process that stops at the entry of chosen system calls, where it can be killed or the
/// call be made to fail. A seccomp filter picks the calls, so that all others run at full speed.
namespace tools {

/// A call that is about to be made.
struct SystemCall {
  pid_t thread = 0;
  long number = 0;
  std::array<std::uint64_t, 6> arguments = {};

  /// Flags of an `open`, `openat`, `openat2` or `creat`.
  std::uint64_t open_flags() const {
    if (number == SYS_openat) return arguments[2];
    if (number == SYS_openat2) {
      struct open_how how {};  // zeros: what cannot be read creates nothing
      iovec to{.iov_base = &how, .iov_len = sizeof how};
      iovec from{.iov_base = reinterpret_cast<void*>(arguments[2]), .iov_len = sizeof how};
      return ::process_vm_readv(thread, &to, 1, &from, 1, 0) < 0 ? 0 : how.flags;
    }
#ifdef SYS_open
    if (number == SYS_open) return arguments[1];
    if (number == SYS_creat) return O_CREAT | O_WRONLY | O_TRUNC;
#endif
    return 0;
  }
  /// One that waits until something is on stable storage.
  bool flushes() const {
    return number == SYS_fsync || number == SYS_fdatasync || number == SYS_syncfs || number == SYS_sync;
  }
  /// One that opens, and changes nothing by that.
  bool only_opens() const {
#ifdef SYS_open
    bool const opens = number == SYS_open || number == SYS_openat || number == SYS_openat2;
#else
    bool const opens = number == SYS_openat || number == SYS_openat2;
#endif
    return opens && (open_flags() & (O_CREAT | O_TRUNC)) == 0;
  }
};

/// What is done with a call.
struct Decision {
  bool kill = false;  ///< the whole process, with SIGKILL; the call is not made
  int error = 0;      ///< the call is not made and fails with this; 0: it is made
};

struct Outcome {
  int status = 0;         ///< as of waitpid
  std::size_t calls = 0;  ///< of the chosen ones
  bool killed = false;    ///< by a decision
  bool ended_well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
};

/// Calls that change files or mounts, flushes among them; of those that open, `SystemCall::only_opens` tells which do not.
inline std::vector<int> changing_calls() {
  return {
#ifdef SYS_open
      SYS_open,        SYS_creat,           SYS_rename,       SYS_link,
      SYS_symlink,     SYS_unlink,          SYS_rmdir,        SYS_mkdir,
      SYS_mknod,       SYS_chmod,           SYS_chown,        SYS_lchown,
      SYS_utimes,      SYS_futimesat,
#endif
      SYS_openat,      SYS_openat2,         SYS_write,        SYS_writev,
      SYS_pwrite64,    SYS_pwritev,         SYS_pwritev2,     SYS_sendfile,
      SYS_splice,      SYS_copy_file_range, SYS_renameat,     SYS_renameat2,
      SYS_linkat,      SYS_symlinkat,       SYS_unlinkat,     SYS_mkdirat,
      SYS_mknodat,     SYS_truncate,        SYS_ftruncate,    SYS_fallocate,
      SYS_fchmod,      SYS_fchmodat,        SYS_fchown,       SYS_fchownat,
      SYS_utimensat,   SYS_setxattr,        SYS_lsetxattr,    SYS_fsetxattr,
      SYS_removexattr, SYS_lremovexattr,    SYS_fremovexattr, SYS_fsync,
      SYS_fdatasync,   SYS_sync_file_range, SYS_syncfs,       SYS_sync,
      SYS_mount,       SYS_umount2,         SYS_move_mount,   SYS_mount_setattr,
      SYS_ioctl};
}

namespace detail {

[[noreturn]] inline void tracer_failed(char const* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// `action` for those calls, all others are made at once.
inline std::vector<sock_filter> filter_code(std::span<int const> calls, std::uint32_t action) {
  std::vector<sock_filter> code{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offsetof(seccomp_data, nr)))};
  for (std::size_t i = 0; i < calls.size(); ++i)
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(calls[i]),
                            static_cast<std::uint8_t>(calls.size() - i), 0));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, action));
  return code;
}

/// Those calls stop, for the process and all that it starts.
inline void install_filter(std::span<int const> calls) {
  auto code = filter_code(calls, SECCOMP_RET_TRACE);
  sock_fprog const program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    tracer_failed("seccomp");
}

inline SystemCall call_at(pid_t thread) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) < 0) return {.thread = thread};
  SystemCall call{.thread = thread, .number = static_cast<long>(info.seccomp.nr)};
  std::ranges::copy(info.seccomp.args, call.arguments.begin());
  return call;
}

#if defined __x86_64__
inline void make_fail(pid_t thread, int error) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
  registers.orig_rax = ~0ULL;
  registers.rax = static_cast<unsigned long long>(-static_cast<long long>(error));
  ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
}
#endif

}  // namespace detail

/// Whether calls can be made to fail here; stopping at them and killing works on every machine.
#if defined __x86_64__
inline constexpr bool can_make_calls_fail = true;
#else
inline constexpr bool can_make_calls_fail = false;
#endif

/// Runs `work` in a child of this thread, which must have no other children that it waits for meanwhile.
/// @param work    its result is the child's exit status; an exception that leaves it ends the child by SIGABRT. Programs
///                that it executes are traced as well
/// @param calls   numbers of system calls
/// @param decide  asked at the entry of each of them
inline Outcome trace(std::function<int()> const& work, std::span<int const> calls,
                     std::function<Decision(SystemCall const&)> const& decide) {
  std::array<int, 2> go{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0) detail::tracer_failed("pipe");
  pid_t const child = ::fork();
  if (child < 0) detail::tracer_failed("fork");
  if (child == 0) {
    char byte = 0;
    ::close(go[1]);
    if (::read(go[0], &byte, 1) != 1) ::_exit(127);  // until it is traced
    ::close(go[0]);
    detail::install_filter(calls);
    ::_exit([&]() noexcept { return work(); }());
  }
  ::close(go[0]);
  constexpr std::uintptr_t options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                                     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, options) != 0) detail::tracer_failed("ptrace");
  if (::write(go[1], "", 1) != 1) detail::tracer_failed("write");
  ::close(go[1]);
  Outcome outcome;
  for (;;) {
    int status = 0;
    pid_t const thread = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (thread < 0) {
      if (errno == EINTR) continue;
      detail::tracer_failed("waitpid");
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread != child) continue;
      outcome.status = status;
      return outcome;
    }
    int const event = status >> 16;
    long signal = 0;
    if (event == PTRACE_EVENT_SECCOMP && !outcome.killed) {
      auto const call = detail::call_at(thread);
      if (!call.only_opens()) ++outcome.calls;
      auto const decision = decide(call);
      if (decision.kill) {
        outcome.killed = true;
        ::kill(child, SIGKILL);
        continue;
      }
#if defined __x86_64__
      if (decision.error != 0) detail::make_fail(thread, decision.error);
#endif
    } else if (event == 0) {
      signal = WSTOPSIG(status);
    }
    ::ptrace(PTRACE_CONT, thread, nullptr, signal);
  }
}

}  // namespace tools
