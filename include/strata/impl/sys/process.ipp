#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/process.hpp>

namespace strata::sys {

STRATA_INLINE std::string Ended::text() const {
  return WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status));
}

namespace detail {

STRATA_INLINE int spawn(pid_t& child, std::vector<std::string> const& words,
                        posix_spawn_file_actions_t const& actions, posix_spawnattr_t const* attributes) {
  std::vector<char*> arguments;
  for (auto const& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return ::posix_spawnp(&child, words.front().c_str(), &actions, attributes, arguments.data(), environ);
}

}  // namespace detail

STRATA_INLINE Ended run(std::vector<std::string> const& words, RunOptions const& options) {
  // Not a pipe, which a daemon left behind by the program may keep open.
  Fd const words_file(options.keep_words ? ::memfd_create("words", MFD_CLOEXEC) : -1);
  if (options.keep_words && !words_file) throw_errno("memfd_create", words.front());
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (!options.directory.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  if (options.output != STDOUT_FILENO)
    ::posix_spawn_file_actions_adddup2(&actions, options.output, STDOUT_FILENO);
  if (words_file)
    for (int const to : {STDOUT_FILENO, STDERR_FILENO})
      ::posix_spawn_file_actions_adddup2(&actions, words_file.get(), to);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  struct sigaction old_interrupt {
  }, old_quit{};
  if (options.foreground) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &old_interrupt);
    ::sigaction(SIGQUIT, &ignore, &old_quit);
    sigset_t usual;
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGINT);
    ::sigaddset(&usual, SIGQUIT);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  }
  pid_t child = -1;
  int const failed = detail::spawn(child, words, actions, &attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  Ended ended;
  if (failed == 0) retry([&] { return ::waitpid(child, &ended.status, 0); });
  if (options.foreground) {
    ::sigaction(SIGINT, &old_interrupt, nullptr);
    ::sigaction(SIGQUIT, &old_quit, nullptr);
  }
  errno = failed;
  if (failed != 0) throw_errno("run", words.front());
  if (words_file && ::lseek(words_file.get(), 0, SEEK_SET) == 0)
    ended.said = read_rest(words_file.get(), "words");
  return ended;
}

}  // namespace strata::sys
