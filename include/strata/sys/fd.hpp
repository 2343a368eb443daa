#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <climits>

#include <cerrno>
#include <cstdint>
#include <cstring>
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
[[noreturn]] void throw_errno(std::string_view operation, fs::path const& path);

/// Throws the error of a call of Boost.Filesystem, if there was one.
/// @throws `errno`, "<operation> <path>"
void throw_if(boost::system::error_code const& error, std::string_view operation, fs::path const& path);

/// True if a failed lookup leaves open what the path is. False for errors that say that it does not exist or
/// is another kind of file; device, permission and limit errors may go away.
bool is_transient(int code) noexcept;
/// True if the error means that nothing has the name, for a path without symbolic links.
inline bool is_absent(int code) noexcept { return code == ENOENT || code == ENOTDIR || code == ELOOP; }
/// `is_transient` for a caught exception; false for errors that are not the kernel's.
bool is_transient(std::system_error const& error) noexcept;

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
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }  ///< gives up ownership

  /// Closes the current descriptor and takes `fd`. Preserves `errno`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// openat(2) with O_CLOEXEC; on failure returns an empty `Fd` and sets `errno`.
Fd try_open_at(int directory, char const* path, int flags, unsigned mode = 0) noexcept;

/// Opens a file of a store for reading; on failure returns an empty `Fd` and sets `errno`. Does not block on
/// a FIFO.
/// @param flags in addition to O_RDONLY
Fd try_open_stored(char const* path, int flags = 0) noexcept;

/// openat(2) with O_CLOEXEC.
/// @param directory descriptor that a relative `path` starts from, or `AT_FDCWD`
/// @throws `errno`, "open <path>"
Fd open_at(int directory, fs::path const& path, int flags, unsigned mode = 0);

/// The end of a path that is too long for a system call (PATH_MAX), as seen from a directory on the way.
struct ShortPath {
  Fd at = {};
  char const* rest = "";  ///< part of the path given

  explicit operator bool() const noexcept { return static_cast<bool>(at); }
  /// For calls that take no directory. Requires that there is one.
  std::string text() const { return "/proc/self/fd/" + std::to_string(at.get()) + '/' + rest; }

  /// Opens directories on the way with `open(directory, part)` until the rest is short enough.
  /// @param directory  that a relative path starts from
  /// @return  empty on failure, with `errno` set; ENAMETOOLONG: the path is short already, or a name in it too long
  template <class Open>
  static ShortPath of(int directory, char const* path, Open&& open) noexcept {
    ShortPath out{.rest = path};
    for (auto left = std::strlen(path); left >= PATH_MAX; left = std::strlen(out.rest)) {
      std::string_view const most(out.rest, PATH_MAX);
      auto const end = most.rfind('/');
      errno = ENAMETOOLONG;
      if (end == std::string_view::npos || end == 0) return {};
      char part[PATH_MAX];
      part[most.copy(part, end)] = '\0';
      Fd next = open(out.at ? out.at.get() : directory, static_cast<char const*>(part));
      if (!next) return {};
      out.at = std::move(next);
      for (out.rest += end; *out.rest == '/';) ++out.rest;
    }
    if (!out.at) errno = ENAMETOOLONG;
    if (*out.rest == '\0') out.rest = ".";
    return out;
  }
  /// As a system call would go that path: through links.
  static ShortPath of(int directory, char const* path) noexcept;
};

/// openat2(2) with the given `RESOLVE_…` flags; on failure returns an empty `Fd` and sets `errno`.
///
/// A concurrent rename can make a lookup of ".." fail with EAGAIN; it is retried up to 100 times. With
/// `RESOLVE_NO_SYMLINKS`, a path may be longer than PATH_MAX; it is opened in steps, and ".." leads out of none.
Fd try_open_how(int directory, char const* path, int flags, unsigned mode, std::uint64_t resolve) noexcept;

/// Opens a path inside an untrusted tree. The kernel resolves it with `root` as "/", so neither ".." nor a
/// symbolic link leads outside; magic links of /proc are not followed. Linux 5.6.
///
/// @param mode permission bits of a created file; must be 0 unless `flags` has `O_CREAT` or `O_TMPFILE`
/// @return empty on failure, with `errno` set
Fd try_open_in_root(int root, char const* path, int flags, unsigned mode = 0) noexcept;

/// After a failed open: true if the path is a device on a file system mounted `nodev`. Preserves `errno`.
bool is_unopened_device(int root, char const* path) noexcept;

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/fd.ipp>
#endif
