#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace strata::sys {

/// The result of a program.
struct Ended {
  int status = 0;         ///< as returned by waitpid(2)
  std::string said = {};  ///< its output, if captured
  bool succeeded() const noexcept { return status == 0; }
  /// "exit status 7", "signal 9"
  std::string text() const;
};

/// Options of `run`.
struct RunOptions {
  fs::path directory = {};     ///< working directory; empty: this process's
  int output = STDOUT_FILENO;  ///< descriptor to use as stdout
  bool keep_words = false;     ///< capture stdout and stderr in `Ended::said`
  /// Give the program the terminal: this process ignores SIGINT and SIGQUIT meanwhile.
  bool foreground = false;
};

/// Runs a program and waits for its end.
/// @param words the program, searched in `$PATH` if it has no slash, and its arguments
/// @throws `errno`, "run <program>", if it could not be started
Ended run(std::vector<std::string> const& words, RunOptions const& options = {});

namespace detail {

/// posix_spawnp(3) with words as arguments.
/// @return an `errno` value; 0 if the program was started
int spawn(pid_t& child, std::vector<std::string> const& words, posix_spawn_file_actions_t const& actions,
          posix_spawnattr_t const* attributes);

}  // namespace detail

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/process.ipp>
#endif
