#pragma once

#include <strata/sys/fd.hpp>

namespace strata::sys {

STRATA_INLINE void throw_errno(std::string_view operation, fs::path const& path) {
  int const code = errno;  // read before anything below can allocate
  throw Error(std::error_code(code, std::system_category()), std::string(operation) + ' ' + path.native())
      .at(path.native());
}

STRATA_INLINE void throw_if(boost::system::error_code const& error, std::string_view operation,
                            fs::path const& path) {
  if (!error) return;
  errno = error.value();
  throw_errno(operation, path);
}

STRATA_INLINE bool is_transient(int code) noexcept {
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

STRATA_INLINE bool is_transient(std::system_error const& error) noexcept {
  auto const& category = error.code().category();
  return (category == std::system_category() || category == std::generic_category()) &&
         is_transient(error.code().value());
}

STRATA_INLINE Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

STRATA_INLINE void Fd::reset(int fd) noexcept {
  int const old = std::exchange(fd_, fd);
  if (old < 0) return;
  int const saved = errno;
  ::close(old);  // never retried: Linux has released the number even if close reports EINTR
  errno = saved;
}

STRATA_INLINE Fd try_open_at(int directory, char const* path, int flags, unsigned mode) noexcept {
  return Fd(retry([&] { return ::openat(directory, path, flags | O_CLOEXEC, mode); }));
}

STRATA_INLINE ShortPath ShortPath::of(int directory, char const* path) noexcept {
  return of(directory, path,
            [](int from, char const* part) { return try_open_at(from, part, O_PATH | O_DIRECTORY); });
}

STRATA_INLINE Fd try_open_stored(char const* path, int flags) noexcept {
  Fd fd = try_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | flags);
  // Another process holds a lease on the file. The kernel breaks it for a blocking open (fcntl(2)); a FIFO
  // does not fail with EAGAIN.
  if (!fd && errno == EAGAIN) fd = try_open_at(AT_FDCWD, path, O_RDONLY | flags);
  return fd;
}

STRATA_INLINE Fd open_at(int directory, fs::path const& path, int flags, unsigned mode) {
  Fd fd = try_open_at(directory, path.c_str(), flags, mode);
  if (!fd) throw_errno("open", path);
  return fd;
}

STRATA_INLINE Fd try_open_how(int directory, char const* path, int flags, unsigned mode,
                              std::uint64_t resolve) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  for (int attempt = 0;; ++attempt) {
    long const fd = retry([&] { return ::syscall(SYS_openat2, directory, path, &how, sizeof how); });
    if (fd < 0 && errno == ENAMETOOLONG && (resolve & RESOLVE_NO_SYMLINKS) != 0) break;
    if (fd >= 0 || errno != EAGAIN || attempt == 100) return Fd(static_cast<int>(fd));
  }
  auto const shorter = ShortPath::of(directory, path, [&](int from, char const* part) {
    return try_open_how(from, part, O_PATH | O_DIRECTORY, 0, resolve);
  });
  return shorter ? try_open_how(shorter.at.get(), shorter.rest, flags, mode, resolve) : Fd();
}

STRATA_INLINE Fd try_open_in_root(int root, char const* path, int flags, unsigned mode) noexcept {
  return try_open_how(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

STRATA_INLINE bool is_unopened_device(int root, char const* path) noexcept {
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
