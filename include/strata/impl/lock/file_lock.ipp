#pragma once

#include <strata/lock/file_lock.hpp>
#include <strata/sys/file.hpp>

#include <chrono>

namespace strata {

STRATA_INLINE auto FileLock::Guard::token() const -> Token {
  Token text(token_size, '\0');
  std::size_t filled = 0;
  while (fd_ && filled < token_size) {
    auto const n = sys::retry([&] {
      return ::pread(fd_.get(), text.data() + filled, token_size - filled, static_cast<off_t>(filled));
    });
    if (n < 0) sys::throw_errno("read", path_);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  text.resize(filled);
  return text;
}

STRATA_INLINE auto FileLock::Guard::renew() -> Token {
  static std::atomic<std::uint64_t> number{0};
  Token token;
  auto const append = [&token](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) token += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  };
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  append(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()), 8);
  append(++number, 8);
  append(static_cast<std::uint64_t>(::getpid()), 4);
  std::array<unsigned char, token_size - 20> noise;
  sys::fill_random(noise);
  token.append(noise.begin(), noise.end());
  // A single call: a process killed here leaves the old token or the new one.
  auto const n = sys::retry([&] { return ::pwrite(fd_.get(), token.data(), token.size(), 0); });
  if (n >= 0 && static_cast<std::size_t>(n) != token.size()) errno = ENOSPC;
  if (n < 0 || static_cast<std::size_t>(n) != token.size()) sys::throw_errno("write", path_);
  return token;
}

STRATA_INLINE sys::Fd FileLock::open() const {
  if (read_only_) {
    sys::Fd fd = sys::try_open_stored(path_.c_str());
    if (!fd && errno != ENOENT && errno != ENOTDIR && errno != EACCES) sys::throw_errno("open", path_);
    return fd;
  }
  sys::Fd fd = sys::try_open_at(AT_FDCWD, path_.c_str(), O_RDWR | O_CREAT, 0644);
  if (!fd && errno == ENOENT) {
    sys::make_directories(sys::directory_of(path_), 0700);
    fd = sys::try_open_at(AT_FDCWD, path_.c_str(), O_RDWR | O_CREAT, 0644);
  }
  if (!fd) sys::throw_errno("open", path_);
  return fd;
}

STRATA_INLINE bool FileLock::means_no_locks(int code) noexcept {
  return code == ENOLCK || code == EINVAL || code == ENOSYS || code == EOPNOTSUPP || code == EROFS ||
         code == EPERM || code == EACCES;
}

STRATA_INLINE auto FileLock::acquire(int type, int command) const -> std::optional<Guard> {
  if (read_only_ && type == F_WRLCK) throw Error(Errc::store_read_only, path_.native()).at(path_.native());
  for (;;) {
    sys::Fd fd = open();
    if (!fd) return Guard(sys::Fd(), path_, false);
    struct flock lock {};  // zeros: the whole file
    lock.l_type = static_cast<short>(type);
    if (sys::retry([&] { return ::fcntl(fd.get(), command, &lock); }) != 0) {
      if (command == F_OFD_SETLK && (errno == EAGAIN || errno == EACCES)) return std::nullopt;
      if (read_only_ && means_no_locks(errno)) return Guard(std::move(fd), path_, false);
      sys::throw_errno("lock", path_);
    }
    if (read_only_) return Guard(std::move(fd), path_, true);  // not all file systems count links
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) sys::throw_errno("stat", path_);
    if (status.st_nlink != 0) return Guard(std::move(fd), path_, true);
    // The store was wiped while we waited: a lock on an unlinked file excludes no other process. Retry.
  }
}

}  // namespace strata
