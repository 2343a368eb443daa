#pragma once

#include <strata/error.hpp>
#include <strata/sys/fd.hpp>

#include <cerrno>
#include <concepts>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace strata::sys {

/// What looking for a name has shown: it is present, with a value; it is absent, or another kind of thing; or it could not be
/// looked at. The last is an answer to nothing: whoever asks whether it is present gets the error instead, so that
/// what is unknown is never taken for absent. Not for two threads at once.
///
///     if (auto const status = sys::find_status(AT_FDCWD, path)) use(*status);  // throws what kept it from being looked at
///     auto fd = sys::find_at(parent, name, O_RDONLY).named([&] { return descent.path(name); });
template <class T>
class [[nodiscard]] Lookup {
 public:
  static Lookup present(T value) { return Lookup(std::move(value), 0, "", {}); }
  static Lookup absent() { return Lookup(std::nullopt, ENOENT, "", {}); }
  /// @param code       errno's; those of which `is_transient` does not hold mean that there is nothing of the kind
  /// @param operation  for the error's subject, "<operation> <name>"; a literal
  static Lookup failed(int code, char const* operation, std::filesystem::path name) {
    return Lookup(std::nullopt, code, operation, std::move(name));
  }

  /// Is it present?  @throws the error, if that is not known
  explicit operator bool() const {
    check();
    return value_.has_value();
  }
  bool is_absent() const { return !static_cast<bool>(*this); }
  /// Could it not be looked at? Never throws.
  bool is_unknown() const noexcept { return !value_ && is_transient(code_); }
  /// errno's of the call that failed; 0 if it is present. Never throws.
  int code() const noexcept { return code_; }

  /// The value.  @throws the error, also if it is absent
  T& operator*() & { return get(); }
  T const& operator*() const& { return get(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  T const* operator->() const { return &get(); }

  /// Nothing if it is absent.  @throws the error, if it is not known
  std::optional<T> optional() && {
    check();
    return std::move(value_);
  }
  /// Nothing if it is absent or could not be looked at: for what is only a matter of speed or of an error's text.
  std::optional<T> best_effort() && noexcept { return std::move(value_); }

  /// Gives the error another name, which is asked for only if there is one.
  template <std::invocable Name>
  Lookup named(Name&& name) && {
    if (!value_) name_ = std::forward<Name>(name)();
    return std::move(*this);
  }

  [[noreturn]] void raise() const {
    errno = code_;
    throw_errno(operation_, name_);
  }

 private:
  Lookup(std::optional<T> value, int code, char const* operation, std::filesystem::path name)
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
  std::filesystem::path name_;
};

namespace detail {
inline Lookup<Fd> found_or_not(Fd fd, char const* path) {
  if (fd) return Lookup<Fd>::present(std::move(fd));
  int const code = errno;
  return Lookup<Fd>::failed(code, "open", path);
}
}  // namespace detail

/// Opens what has a name; for what is to be made, `try_open_at`. The error is "open <path>".
inline Lookup<Fd> find_at(int directory, char const* path, int flags) {
  return detail::found_or_not(try_open_at(directory, path, flags), path);
}
inline Lookup<Fd> find_at(std::filesystem::path const& path, int flags) {
  return find_at(AT_FDCWD, path.c_str(), flags);
}
/// As `try_open_in_root`.
inline Lookup<Fd> find_in_root(int root, char const* path, int flags) {
  return detail::found_or_not(try_open_in_root(root, path, flags), path);
}
/// As `try_open_stored`.
inline Lookup<Fd> find_stored(std::filesystem::path const& path, int flags = 0) {
  return detail::found_or_not(try_open_stored(path.c_str(), flags), path.c_str());
}

/// What has a name, links not followed unless `flags` is 0 instead of AT_SYMLINK_NOFOLLOW. The error is "stat <path>".
inline Lookup<struct stat> find_status(int directory, char const* path, int flags = AT_SYMLINK_NOFOLLOW) {
  using Status = struct stat;
  Status status{};
  if (::fstatat(directory, path, &status, flags) == 0) return Lookup<Status>::present(status);
  int const code = errno;
  return Lookup<Status>::failed(code, "stat", path);
}
inline Lookup<struct stat> find_status(std::filesystem::path const& path, int flags = AT_SYMLINK_NOFOLLOW) {
  return find_status(AT_FDCWD, path.c_str(), flags);
}

/// Does something have this name, be it a link that leads nowhere?  @throws `errno`, "stat <path>", if that is not known
inline bool is_present(std::filesystem::path const& path) { return static_cast<bool>(find_status(path)); }

/// The same of a directory, and of what a link leads to.
inline bool is_directory(std::filesystem::path const& path) {
  auto const status = find_status(path, 0);
  return status && S_ISDIR(status->st_mode);
}

}  // namespace strata::sys
