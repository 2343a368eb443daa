#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cerrno>
#include <concepts>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace strata::sys {

/// The result of looking up a name: present with a value; absent, or another kind of file; or unknown, if the
/// lookup failed for another reason. Testing an unknown result throws the error, so that it is never mistaken
/// for absent. Not safe for concurrent use.
///
///     if (auto const status = sys::find_status(AT_FDCWD, path)) use(*status);  // throws if unknown
///     auto fd = sys::find_at(parent, name, O_RDONLY).named([&] { return descent.path(name); });
template <class T>
class [[nodiscard]] Lookup {
 public:
  static Lookup present(T value) { return Lookup(std::move(value), 0, "", {}); }
  static Lookup absent() { return Lookup(std::nullopt, ENOENT, "", {}); }
  /// @param code errno; one for which `is_transient` is false means absent
  /// @param operation string literal for the error's subject, "<operation> <name>"
  static Lookup failed(int code, char const* operation, fs::path name) {
    return Lookup(std::nullopt, code, operation, std::move(name));
  }

  /// True if present.
  /// @throws the error, if unknown
  explicit operator bool() const {
    check();
    return value_.has_value();
  }
  bool is_absent() const { return !static_cast<bool>(*this); }
  /// True if the lookup failed. Never throws.
  bool is_unknown() const noexcept { return !value_ && is_transient(code_); }
  /// errno of the failed call; 0 if present. Never throws.
  int code() const noexcept { return code_; }

  /// The value.
  /// @throws the error, if absent or unknown
  T& operator*() & { return get(); }
  T const& operator*() const& { return get(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  T const* operator->() const { return &get(); }

  /// The value, or empty if absent.
  /// @throws the error, if unknown
  std::optional<T> optional() && {
    check();
    return std::move(value_);
  }
  /// The value, or empty if absent or unknown: for optimizations and messages.
  std::optional<T> best_effort() && noexcept { return std::move(value_); }

  /// Sets the name in the error's subject. Calls `name` only if there is an error.
  template <std::invocable Name>
  Lookup named(Name&& name) && {
    if (!value_) name_ = std::forward<Name>(name)();
    return std::move(*this);
  }

  /// Throws the error. Requires that there is one.
  [[noreturn]] void raise() const {
    errno = code_;
    throw_errno(operation_, name_);
  }

 private:
  Lookup(std::optional<T> value, int code, char const* operation, fs::path name)
      : value_(std::move(value)), code_(code), operation_(operation), name_(std::move(name)) {}

  void check() const {
    if (is_unknown()) raise();
  }
  T& get() {
    if (!value_) raise();
    return *value_;
  }
  T const& get() const {
    if (!value_) raise();
    return *value_;
  }

  std::optional<T> value_;
  int code_;
  char const* operation_;
  fs::path name_;
};

namespace detail {
Lookup<Fd> found_or_not(Fd fd, char const* path);
}  // namespace detail

/// Opens an existing name; to create one, use `try_open_at`. Error subject: "open <path>".
Lookup<Fd> find_at(int directory, char const* path, int flags);
inline Lookup<Fd> find_at(fs::path const& path, int flags) { return find_at(AT_FDCWD, path.c_str(), flags); }
/// As `try_open_in_root`.
Lookup<Fd> find_in_root(int root, char const* path, int flags);
/// As `try_open_stored`.
Lookup<Fd> find_stored(fs::path const& path, int flags = 0);

/// Status of a name; follows no link unless `flags` is 0 instead of AT_SYMLINK_NOFOLLOW. The path may be longer
/// than PATH_MAX. Error subject: "stat <path>".
Lookup<struct stat> find_status(int directory, char const* path, int flags = AT_SYMLINK_NOFOLLOW);
Lookup<struct stat> find_status(fs::path const& path, int flags = AT_SYMLINK_NOFOLLOW);

/// Status of an open file. @throws `errno`, "stat <path>"
struct stat status_of(int fd, std::string_view path);

/// True if the name exists, including a dangling link.
/// @throws `errno`, "stat <path>"
inline bool is_present(fs::path const& path) { return static_cast<bool>(find_status(path)); }

/// True if the path is a directory or a link to one.
/// @throws `errno`, "stat <path>"
bool is_directory(fs::path const& path);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/lookup.ipp>
#endif
