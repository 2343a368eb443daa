#pragma once

#include "json.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oci_storage {

namespace detail {
template <class... Parts>
void print_line(std::FILE* to, Parts const&... parts) {
  auto const part = [&](std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); };
  (part(parts), ...);
  part("\n");
}

struct OutputState {
  int error = 0;      ///< errno's of the first write to stdout that failed
  bool told = false;  ///< and that was said
};
inline OutputState& output_state() {
  static OutputState state;
  return state;
}
inline void note_output_error() {
  if (std::ferror(stdout) != 0 && output_state().error == 0) output_state().error = errno;
}
}  // namespace detail

/// Sends what was said on its way. What fails is told of by `output_status`.
inline void flush_output() {
  std::fflush(stdout);
  detail::note_output_error();
}

/// One line on stdout.
template <class... Parts>
void say(Parts const&... parts) {
  detail::print_line(stdout, parts...);
  detail::note_output_error();
}

/// One line on stderr, behind what was said before.
template <class... Parts>
void complain(Parts const&... parts) {
  flush_output();
  detail::print_line(stderr, parts...);
}

/// Before anything is said.
inline void begin_output() {
  std::clearerr(stdout);
  detail::output_state() = {};
}

/// The exit status, of all that was said so far: 1, with a text once, if any of it could not be written.
inline int output_status() {
  flush_output();
  auto& state = detail::output_state();
  if (state.error == 0) return 0;
  if (std::exchange(state.told, true)) return 1;
  std::string reason = std::strerror(state.error);
  reason[0] = static_cast<char>(reason[0] | 0x20);
  complain("write /dev/stdout: ", reason);
  return 1;
}

/// A JSON value on a line of its own. Returns the exit status.
inline int say_json(std::string const& value) {
  say(value);
  return output_status();
}

/// What commands that make something print: the id, and each name behind a tab.
inline void say_item(std::string const& id, std::vector<std::string> const& names) {
  say(id);
  for (auto const& name : names) say("\t", name);
}

}  // namespace oci_storage
