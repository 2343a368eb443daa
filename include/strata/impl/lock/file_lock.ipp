#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_at.hpp>
#include <strata/sys/lookup.hpp>

#include <chrono>
#include <span>

namespace strata {

STRATA_INLINE auto FileLock::Guard::token() const -> Token {
  Token text(token_size, '\0');
  text.resize(fd_ ? sys::read_at(fd_.get(), std::as_writable_bytes(std::span(text)), 0, path_) : 0);
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
  // A single system call: a process killed here leaves the old token or the new one.
  sys::write_at(fd_.get(), as_bytes(token), 0, path_);
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

STRATA_INLINE auto FileLock::acquire(sys::LockKind kind, sys::LockWait wait) const -> std::optional<Guard> {
  if (read_only_ && kind == sys::LockKind::exclusive)
    throw Error(Errc::store_read_only, path_.native()).at(path_.native());
  for (;;) {
    sys::Fd fd = open();
    if (!fd) return Guard(sys::Fd(), path_, false);
    if (!sys::try_lock(fd.get(), kind, wait)) {
      if (wait == sys::LockWait::no && (errno == EAGAIN || errno == EACCES)) return std::nullopt;
      if (read_only_ && means_no_locks(errno)) return Guard(std::move(fd), path_, false);
      sys::throw_errno("lock", path_);
    }
    if (read_only_) return Guard(std::move(fd), path_, true);  // not all file systems count links
    if (sys::status_of(fd.get(), path_.native()).st_nlink != 0) return Guard(std::move(fd), path_, true);
    // The store was wiped while we waited: a lock on an unlinked file excludes no other process. Retry.
  }
}

}  // namespace strata
