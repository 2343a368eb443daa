#pragma once

#include <strata/clean_path.hpp>

namespace strata {

STRATA_INLINE bool is_clean_path(std::string_view path) {
  if (path.empty()) return false;
  if (path == "/" || path == ".") return true;
  std::size_t at = path.front() == '/' ? 1 : 0;
  while (true) {
    auto const end = path.find('/', at);
    auto const part = path.substr(at, end == std::string_view::npos ? end : end - at);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string_view::npos) return true;
    at = end + 1;
  }
}

STRATA_INLINE std::string clean_path(std::string_view path) {
  if (is_clean_path(path)) return std::string(path);
  bool const rooted = path.starts_with('/');
  std::string out(rooted ? "/" : "");
  std::size_t fixed = out.size();  // what a ".." cannot remove: the root, or leading ".." components
  for (std::size_t at = 0; at < path.size();) {
    auto end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    auto const part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (out.size() > fixed) {
        auto const slash = out.rfind('/');
        out.resize(slash == std::string::npos || slash < fixed ? fixed : slash);
      } else if (!rooted) {
        out += out.empty() ? ".." : "/..";
        fixed = out.size();
      }
      continue;
    }
    if (!out.empty() && out.back() != '/') out += '/';
    out += part;
  }
  return out.empty() ? "." : out;
}

}  // namespace strata
