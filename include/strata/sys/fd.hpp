#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace strata::sys {

/// Throws `errno` as an `Error` in `std::system_category()` with the subject "<operation> <path>".
[[noreturn]] inline void throw_errno(std::string_view operation, fs::path const& path) {
  int const code = errno;  // read before anything below can allocate
  throw Error(std::error_code(code, std::system_category()), std::string(operation) + ' ' + path.native())
      .at(path.native());
}

/// Throws the error of a call of Boost.Filesystem, if there was one.
/// @throws `errno`, "<operation> <path>"
inline void throw_if(boost::system::error_code const& error, std::string_view operation,
                     fs::path const& path) {
  if (!error) return;
  errno = error.value();
  throw_errno(operation, path);
}

/// True if a failed lookup leaves open what the path is. False for errors that say that it does not exist or
/// is another kind of file; device, permission and limit errors may go away.
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
/// True if the error means that nothing has the name, for a path without symbolic links.
inline bool is_absent(int code) noexcept { return code == ENOENT || code == ENOTDIR || code == ELOOP; }
/// `is_transient` for a caught exception; false for errors that are not the kernel's.
inline bool is_transient(std::system_error const& error) noexcept {
  auto const& category = error.code().category();
  return (category == std::system_category() || category == std::generic_category()) &&
         is_transient(error.code().value());
}

/// Calls `call()`, and again as long as it fails with EINTR.
template <class Call>
auto retry(Call&& call) {
  for (;;) {
    auto const result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

/// Owns a file descriptor; -1 means none.
class [[nodiscard]] Fd {
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
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }  ///< gives up ownership

  /// Closes the current descriptor and takes `fd`. Preserves `errno`.
  void reset(int fd = -1) noexcept {
    int const old = std::exchange(fd_, fd);
    if (old < 0) return;
    int const saved = errno;
    ::close(old);  // never retried: Linux has released the number even if close reports EINTR
    errno = saved;
  }

 private:
  int fd_ = -1;
};

/// openat(2) with O_CLOEXEC; on failure returns an empty `Fd` and sets `errno`.
inline Fd try_open_at(int directory, char const* path, int flags, unsigned mode = 0) noexcept {
  return Fd(retry([&] { return ::openat(directory, path, flags | O_CLOEXEC, mode); }));
}

/// Opens a file of a store for reading; on failure returns an empty `Fd` and sets `errno`. Does not block on
/// a FIFO.
/// @param flags in addition to O_RDONLY
inline Fd try_open_stored(char const* path, int flags = 0) noexcept {
  Fd fd = try_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | flags);
  // Another process holds a lease on the file. The kernel breaks it for a blocking open (fcntl(2)); a FIFO
  // does not fail with EAGAIN.
  if (!fd && errno == EAGAIN) fd = try_open_at(AT_FDCWD, path, O_RDONLY | flags);
  return fd;
}

/// openat(2) with O_CLOEXEC.
/// @param directory descriptor that a relative `path` starts from, or `AT_FDCWD`
/// @throws `errno`, "open <path>"
inline Fd open_at(int directory, fs::path const& path, int flags, unsigned mode = 0) {
  Fd fd = try_open_at(directory, path.c_str(), flags, mode);
  if (!fd) throw_errno("open", path);
  return fd;
}

/// openat2(2) with the given `RESOLVE_…` flags; on failure returns an empty `Fd` and sets `errno`.
///
/// A concurrent rename can make a lookup of ".." fail with EAGAIN; it is retried up to 100 times.
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

/// Opens a path inside an untrusted tree. The kernel resolves it with `root` as "/", so neither ".." nor a
/// symbolic link leads outside; magic links of /proc are not followed. Linux 5.6.
///
/// @param mode permission bits of a created file; must be 0 unless `flags` has `O_CREAT` or `O_TMPFILE`
/// @return empty on failure, with `errno` set
inline Fd try_open_in_root(int root, char const* path, int flags, unsigned mode = 0) noexcept {
  return try_open_how(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/// After a failed open: true if the path is a device on a file system mounted `nodev`. Preserves `errno`.
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
