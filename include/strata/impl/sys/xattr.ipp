#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

namespace strata::sys::detail {

STRATA_INLINE std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view const name = text.substr(at, text.find('\0', at) - at);
    if (!name.empty()) names.emplace_back(name);
    at += name.size() + 1;
  }
  return names;
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE std::optional<std::string> get_xattr(int fd, std::string const& name, fs::path const& path) {
  auto value = detail::read_growing(
      [&](char* to, std::size_t size) { return ::fgetxattr(fd, name.c_str(), to, size); });
  if (!value && !detail::no_such_xattr(errno)) throw_errno("getxattr", path);
  return value;
}

STRATA_INLINE std::optional<std::string> get_xattr(fs::path const& path, std::string const& name) {
  auto value = detail::read_growing(
      [&](char* to, std::size_t size) { return ::lgetxattr(path.c_str(), name.c_str(), to, size); });
  if (!value && !detail::no_such_xattr(errno)) throw_errno("getxattr", path);
  return value;
}

STRATA_INLINE std::vector<std::string> list_xattrs(int fd, fs::path const& path) {
  auto const text =
      detail::read_growing([&](char* to, std::size_t size) { return ::flistxattr(fd, to, size); });
  if (!text && errno != EOPNOTSUPP) throw_errno("listxattr", path);
  return text ? detail::split_names(*text) : std::vector<std::string>();
}

STRATA_INLINE std::vector<std::string> list_xattrs(fs::path const& path) {
  auto const text =
      detail::read_growing([&](char* to, std::size_t size) { return ::llistxattr(path.c_str(), to, size); });
  if (!text && errno != EOPNOTSUPP) throw_errno("listxattr", path);
  return text ? detail::split_names(*text) : std::vector<std::string>();
}

STRATA_INLINE void set_xattr(int fd, std::string const& name, std::string_view value, fs::path const& path) {
  if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) throw_errno("setxattr", path);
}

STRATA_INLINE void set_xattr(fs::path const& path, std::string const& name, std::string_view value) {
  if (::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) != 0)
    throw_errno("setxattr", path);
}

}  // namespace strata::sys
