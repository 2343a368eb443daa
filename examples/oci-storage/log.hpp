#pragma once

#include <strata/timestamp.hpp>

#include "output.hpp"
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <unistd.h>

/// Lines on stderr that are about the work, not its result, in the form of the Go programs' logger.
namespace oci_storage {

enum class LogLevel { debug, warning, error };

namespace detail {

/// As Go's %q, for what stands in messages: quotes, backslashes, line ends.
inline std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// When it started; the first call sets it.
inline std::chrono::steady_clock::time_point start_time() {
  static auto const time = std::chrono::steady_clock::now();
  return time;
}

}  // namespace detail

/// `time="..." level=... msg="..."`; on a terminal coloured, with the seconds since the start.
inline void log(LogLevel level, std::string_view message) {
  struct Form {
    char const* name;
    char const* letters;
    int color;
  };
  static constexpr Form forms[]{{"debug", "DEBU", 37}, {"warning", "WARN", 33}, {"error", "ERRO", 31}};
  auto const& form = forms[static_cast<int>(level)];
  flush_output();
  if (::isatty(STDERR_FILENO) == 1) {
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                                          detail::start_time());
    std::fprintf(stderr, "\x1b[%dm%s\x1b[0m[%04lld] %-44s \n", form.color, form.letters,
                 static_cast<long long>(seconds.count()), std::string(message).c_str());
    return;
  }
  auto now = strata::Timestamp::now();
  now.nanoseconds = 0;
  bool const plain =
      message.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+") ==
          message.npos &&
      !message.empty();
  complain("time=\"", now.str(), "\" level=", std::string_view(form.name),
           " msg=", plain ? std::string(message) : detail::go_quoted(message));
}

}  // namespace oci_storage
