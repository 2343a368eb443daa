#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/sys/process.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::sys {

/// Options of `ask_program`.
struct AskOptions {
  std::string_view input = {};                               ///< what the program reads from its stdin
  std::size_t most_bytes = 65'536;                           ///< of its stdout
  std::chrono::milliseconds time = std::chrono::minutes(2);  ///< after which it is killed
};

/// Runs a program that answers a question: its stdin has the question, its stdout the answer. Its stderr is this process's,
/// and so is the terminal, where it may ask for a password. It is over when the program itself has ended, whatever
/// children it leaves behind.
/// @param words the program, searched in `$PATH` if it has no slash, and its arguments; not empty
/// @return its status and, in `said`, its answer
/// @throws `errno`, "run <program>": it could not be started; ETIMEDOUT: it was killed. `Errc::over_budget`: likewise, for it
///   said too much
Ended ask_program(std::vector<std::string> const& words, AskOptions const& options = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/ask_program.ipp>
#endif
