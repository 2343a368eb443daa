#pragma once

#include <strata/sys/process.hpp>

#include "namespace.hpp"
#include "output.hpp"
#include "session.hpp"
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace oci_storage {

/// Runs a command, or the user's shell, in a user namespace. Fails if it does, with the status of a failed command, not its.
inline int unshare(Session&, Invocation const& call) {
  enter_namespace();
  auto words = call.arguments;
  if (words.empty()) {
    char const* const shell = std::getenv("SHELL");
    words.emplace_back(shell != nullptr && *shell != '\0' ? shell : "/bin/sh");
  }
  flush_output();
  try {
    auto const ended = strata::sys::run(words, {.foreground = true});
    if (ended.succeeded()) return 0;
    complain(ended.text());
  } catch (strata::Error const& error) {
    bool const searched = words.front().find('/') == std::string::npos;
    if (searched && error.code() == std::errc::no_such_file_or_directory)
      complain("exec: \"", words.front(), "\": executable file not found in $PATH");
    else
      complain("fork/exec ", system_error_text({error.code(), words.front()}));
  }
  return 1;
}

}  // namespace oci_storage
