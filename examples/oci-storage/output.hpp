#pragma once

#include "json.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace oci_storage {

namespace detail {
template <class... Parts>
void print_line(std::FILE* to, Parts const&... parts) {
  auto const part = [&](std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); };
  (part(parts), ...);
  part("\n");
}
}  // namespace detail

/// One line on stdout.
template <class... Parts>
void say(Parts const&... parts) {
  detail::print_line(stdout, parts...);
}

/// One line on stderr, behind what was said before.
template <class... Parts>
void complain(Parts const&... parts) {
  std::fflush(stdout);
  detail::print_line(stderr, parts...);
}

/// A JSON value on a line of its own. Returns the exit status: unlike text, JSON that cannot be written is a failure.
inline int say_json(std::string const& value) {
  say(value);
  if (std::fflush(stdout) == 0) return 0;
  std::string reason = std::strerror(errno);
  reason[0] = static_cast<char>(reason[0] | 0x20);
  complain("write /dev/stdout: ", reason);
  return 1;
}

/// What commands that make something print: the id, and each name behind a tab.
inline void say_item(std::string const& id, std::vector<std::string> const& names) {
  say(id);
  for (auto const& name : names) say("\t", name);
}

}  // namespace oci_storage
