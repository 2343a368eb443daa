#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/xattr.h>
#include <vector>

/// Extended attributes (xattr(7)) of an open file, or of a path, whose last component is not followed if it
/// is a link.
namespace strata::sys {
namespace detail {

/// Calls `call(buffer, size)` with growing buffers until the value fits; another process may change it
/// meanwhile.
template <class Call>
std::optional<std::string> read_growing(Call&& call) {
  char small[256];  // fits most values without asking for their size
  ssize_t n = call(small, sizeof small);
  if (n >= 0) return std::string(small, static_cast<std::size_t>(n));
  while (errno == ERANGE) {
    n = call(nullptr, 0);
    if (n < 0) break;
    std::string text(static_cast<std::size_t>(n) + 256, '\0');
    n = call(text.data(), text.size());
    if (n < 0) continue;
    text.resize(static_cast<std::size_t>(n));
    return text;
  }
  return std::nullopt;
}

std::vector<std::string> split_names(std::string_view text);

inline bool no_such_xattr(int code) noexcept { return code == ENODATA || code == EOPNOTSUPP; }

}  // namespace detail

/// The value of an attribute; empty if the file does not have it or the file system has no attributes.
/// @param path for the error's subject, "getxattr <path>"
std::optional<std::string> get_xattr(int fd, std::string const& name, fs::path const& path);
std::optional<std::string> get_xattr(fs::path const& path, std::string const& name);

/// The names of all attributes visible to the caller; none if the file system has no attributes.
/// @throws `errno`, "listxattr <path>"
std::vector<std::string> list_xattrs(int fd, fs::path const& path);
std::vector<std::string> list_xattrs(fs::path const& path);

/// Sets an attribute, new or existing.
/// @throws `errno`, "setxattr <path>"
void set_xattr(int fd, std::string const& name, std::string_view value, fs::path const& path);
void set_xattr(fs::path const& path, std::string const& name, std::string_view value);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/xattr.ipp>
#endif
