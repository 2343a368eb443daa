#pragma once

#include <strata/error.hpp>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <linux/openat2.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace strata::sys {

/// Throws what `errno` says: code of `std::system_category()`, subject "<operation> <path>".
[[noreturn]] inline void throw_errno(std::string_view operation, std::filesystem::path const& path) {
  int const code = errno;  // read before anything below can allocate
  throw Error(std::error_code(code, std::system_category()), std::string(operation) + ' ' + path.native());
}

/// Does an error of looking at a file leave open what is there? All do but those that say that it is missing, or is
/// another kind of thing: a device, rights and limits may be better the next time.
inline bool is_transient(int code) noexcept {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EINVAL:
    case ENXIO:
    case ENAMETOOLONG:
      return false;
    default:
      return true;
  }
}
/// Does it say that nothing has the name, at the end of a path without links?
inline bool is_absent(int code) noexcept { return code == ENOENT || code == ENOTDIR || code == ELOOP; }
/// `is_transient` of what was thrown; false for other errors than the kernel's.
inline bool is_transient(std::system_error const& error) noexcept {
  auto const& category = error.code().category();
  return (category == std::system_category() || category == std::generic_category()) &&
         is_transient(error.code().value());
}

/// The result of `call()`, repeated while a signal interrupts it.
template <class Call>
auto retry(Call&& call) {
  for (;;) {
    auto const result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

/// Owns a file descriptor; -1 is none.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes the old one. `errno` is kept, so that an error on the way out is reported as what it was.
  void reset(int fd = -1) noexcept {
    int const old = std::exchange(fd_, fd);
    if (old < 0) return;
    int const saved = errno;
    ::close(old);  // never retried: Linux has freed the number even when close reports EINTR
    errno = saved;
  }

 private:
  int fd_ = -1;
};

/// `openat`, without throwing: an empty `Fd` and `errno`. The descriptor is closed on exec.
inline Fd try_open_at(int directory, char const* path, int flags, unsigned mode = 0) noexcept {
  return Fd(retry([&] { return ::openat(directory, path, flags | O_CLOEXEC, mode); }));
}

/// Opens a file of a store for reading, without throwing. A pipe in its place is not waited for.
/// @param flags  besides O_RDONLY
inline Fd try_open_stored(char const* path, int flags = 0) noexcept {
  Fd fd = try_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | flags);
  // Another has a lease of it, which the kernel breaks for who can wait (fcntl(2)); a pipe never says so.
  if (!fd && errno == EAGAIN) fd = try_open_at(AT_FDCWD, path, O_RDONLY | flags);
  return fd;
}

/// @param directory  descriptor that a relative `path` starts at, or `AT_FDCWD`
/// @throws           `errno`, "open <path>"
inline Fd open_at(int directory, std::filesystem::path const& path, int flags, unsigned mode = 0) {
  Fd fd = try_open_at(directory, path.c_str(), flags, mode);
  if (!fd) throw_errno("open", path);
  return fd;
}

/// `openat2` with the given `RESOLVE_…` flags, without throwing: an empty `Fd` and `errno`.
///
/// A rename elsewhere can make a lookup of ".." fail with EAGAIN (openat2(2)); it is repeated a few times.
inline Fd try_open_how(int directory, char const* path, int flags, unsigned mode,
                       std::uint64_t resolve) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  for (int attempt = 0;; ++attempt) {
    long const fd = retry([&] { return ::syscall(SYS_openat2, directory, path, &how, sizeof how); });
    if (fd >= 0 || errno != EAGAIN || attempt == 100) return Fd(static_cast<int>(fd));
  }
}

/// Opens a path of a tree that strangers filled: the kernel resolves it as if `root` were "/", so neither ".." nor a
/// symbolic link leads out of it, and links of /proc are not followed. Linux 5.6.
///
/// @param mode  permission bits for a file that is created; must be 0 unless `flags` has `O_CREAT` or `O_TMPFILE`
/// @return      empty, and `errno`, on failure
inline Fd try_open_in_root(int root, char const* path, int flags, unsigned mode = 0) noexcept {
  return try_open_how(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/// After an open that failed: does a device lie there, on a file system on which those cannot be opened (mount(8), nodev)?
/// Keeps `errno`.
inline bool is_unopened_device(int root, char const* path) noexcept {
  int const code = errno;
  if (code != EACCES) return false;
  Fd const fd = try_open_in_root(root, path, O_PATH | O_NOFOLLOW);
  struct stat status {};
  bool const device =
      fd && ::fstat(fd.get(), &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
  errno = code;
  return device;
}

}  // namespace strata::sys
