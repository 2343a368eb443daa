#pragma once

#include <strata/conf/host.hpp>
#include <strata/fs.hpp>

#include <cctype>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

namespace strata::conf {

/// Graph root and run root.
struct Roots {
  std::string graph_root;
  std::string run_root;
};

namespace detail {

/// Directory for files that live as long as the user's session (XDG base directories), or a substitute.
inline fs::path runtime_directory(Host const& host) {
  boost::system::error_code error;
  if (auto const given = host.variable("XDG_RUNTIME_DIR"); !given.empty()) {
    auto resolved = fs::canonical(given, error);
    return error ? fs::path(given) : resolved;
  }
  fs::path by_system = host.system / "run/user" / std::to_string(host.uid);
  struct stat status {};
  // Inside a user namespace the user's own files belong to root.
  if (::stat(by_system.c_str(), &status) == 0 && (status.st_uid == host.uid || status.st_uid == ::geteuid()))
    return by_system;
  auto const temporary = host.variable("TMPDIR");
  return fs::path(temporary.empty() ? "/tmp" : temporary) / ("storage-run-" + std::to_string(host.uid));
}

}  // namespace detail

/// Default roots: the system's, or for an ordinary user those in the home directory.
inline Roots default_roots(Host const& host) {
  if (!host.own_store()) return {"/var/lib/containers/storage", "/run/containers/storage"};
  auto data = host.variable("XDG_DATA_HOME");
  if (data.empty()) data = (fs::path(host.home_directory()) / ".local/share").native();
  return {(fs::path(data) / "containers/storage").native(),
          (detail::runtime_directory(host) / "containers").native()};
}

/// Replaces `$UID` by the user id, and `$NAME` and `${NAME}` by environment variables, empty if unset. A
/// dollar sign without a name stays; `${}` and an unclosed brace are removed.
inline std::string expand_variables(std::string_view text, Host const& host) {
  auto const is_name = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  std::string plain;
  for (auto at = text.find("$UID"); at != text.npos; at = text.find("$UID")) {
    plain.append(text.substr(0, at)).append(std::to_string(host.uid));
    text.remove_prefix(at + 4);
  }
  plain += text;
  text = plain;
  std::string out;
  while (!text.empty()) {
    auto const dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == text.npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('{')) {
      auto const end = text.find('}');
      if (end == text.npos) {
        text.remove_prefix(1);
        continue;
      }
      if (end > 1) out += host.variable(std::string(text.substr(1, end - 1)));
      text.remove_prefix(end + 1);
      continue;
    }
    std::size_t length = 0;
    while (length < text.size() && is_name(text[length])) ++length;
    if (length == 0)
      out += '$';
    else
      out += host.variable(std::string(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return out;
}

/// Expands variables in a configured path, and resolves symbolic links if it exists; otherwise normalizes it
/// lexically.
inline std::string expand_path(std::string const& text, Host const& host) {
  fs::path const path = expand_variables(text, host);
  boost::system::error_code error;
  if (auto resolved = fs::canonical(path, error); !error) return resolved.native();
  return clean(path).native();
}

}  // namespace strata::conf
