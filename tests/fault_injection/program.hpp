#pragma once

#include "tools/syscall_injector.hpp"
#include "tools/syscall_kinds.hpp"
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <stdio_ext.h>
#include <string>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

int oci_storage_main(int count, char** words);  // the program's, under another name

/// Runs oci-storage in this process, which has it inside: that takes a tenth of what executing it does. A program that
/// crashes takes the process along, as does one that works for more than half a minute (SIGALRM).
namespace fault_injection {

[[noreturn]] inline void fail(std::string const& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Command {
  std::vector<std::string> words = {};  ///< without the program's name
  std::string input = "/dev/null";      ///< path of what it reads from its standard input
};

struct Ran {
  int status = 0;
  std::string out = {};
  std::string err = {};
};

using Decide = std::function<tools::Decision(tools::SystemCall const&)>;

namespace detail {

/// A file in memory.
class Memory {
 public:
  Memory() : fd_(::memfd_create("output", MFD_CLOEXEC)) {
    if (fd_ < 0) fail("memfd_create");
  }
  Memory(Memory const&) = delete;
  ~Memory() { ::close(fd_); }
  int fd() const { return fd_; }
  std::string text() const {
    std::string out;
    std::array<char, 4096> part;
    for (;;) {
      auto const n = ::pread(fd_, part.data(), part.size(), static_cast<off_t>(out.size()));
      if (n < 0) fail("read");
      if (n == 0) return out;
      out.append(part.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  int fd_;
};

/// Puts a file in the place of a standard stream, for a while.
class Redirected {
 public:
  Redirected(int stream, int to) : stream_(stream), kept_(::fcntl(stream, F_DUPFD_CLOEXEC, 100)) {
    if (kept_ < 0 || ::dup2(to, stream) < 0) fail("dup");
  }
  Redirected(Redirected const&) = delete;
  ~Redirected() {
    ::dup2(kept_, stream_);
    ::close(kept_);
  }

 private:
  int stream_, kept_;
};

inline std::vector<int> numbers_of_all_kinds() {
  std::vector<int> out;
  for (auto const& kind : tools::syscall_kinds) out.push_back(static_cast<int>(kind.number));
  return out;
}

}  // namespace detail

/// @param decide  asked before each call of `tools::syscall_kinds` that the program makes
/// @throws        what the program lets out
inline Ran run(Command const& command, Decide const& decide = {}) {
  constexpr unsigned longest_seconds = 30;
  detail::Memory out, err;
  int const in = ::open(command.input.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) fail("open " + command.input);
  std::vector<std::string> words = command.words;
  words.insert(words.begin(), "oci-storage");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int status = 0;
  auto const work = [&] {
    status = oci_storage_main(static_cast<int>(words.size()), arguments.data());
    if (std::fflush(stdout) != 0) {
      std::clearerr(stdout);
      __fpurge(stdout);
    }
  };
  {
    std::fflush(stdout);
    detail::Redirected const redirected[]{{0, in}, {1, out.fd()}, {2, err.fd()}};
    ::alarm(longest_seconds);
    if (decide) {
      static auto const numbers = detail::numbers_of_all_kinds();
      tools::inject(work, numbers, decide);
    } else {
      work();
    }
    ::alarm(0);
  }
  ::close(in);
  return {.status = status, .out = out.text(), .err = err.text()};
}

}  // namespace fault_injection
