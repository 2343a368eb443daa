#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/whole_file_lock.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {

/// The lock files of containers/storage, shared with Podman and other programs that use it.
///
/// Those programs take POSIX record locks on the whole file. This class takes open-file-description locks
/// (fcntl(2)), which conflict with them, also exclude threads of this process, and are not lost when another
/// descriptor of the file is closed. Each guard opens the file anew, with `O_RDWR | O_CREAT` and mode 0644,
/// and creates a missing directory with mode 0700. An uncontended guard costs about five system calls.
/// Thread-safe; a guard is not.
///
/// Nothing is created in a read-only store, which may also be impossible to lock: if the lock file is missing
/// or the file system has no locks (NFS, 9p, FUSE and others), the guard does not exclude.
///
/// A child forked without exec keeps the lock as long as it has the descriptor.
///
///     FileLock const lock(directory / "layers.lock");
///     auto const guard = lock.exclusive();  // until the end of the block
class FileLock {
 public:
  using Token = LockToken;
  static constexpr std::size_t token_size = 64;

  class [[nodiscard]] Guard {
   public:
    /// True if the lock is held.
    bool excludes() const noexcept { return excludes_; }

    /// The first 64 bytes of the lock file, or fewer if it is shorter. Empty without a lock file.
    /// @throws `errno`, "read <path>"
    Token token() const;

    /// Writes a new unique token at offset 0. Requires an exclusive guard. Not flushed, as in the Go library:
    /// a token lost in a power failure has no reader left.
    ///
    /// Layout since containers/storage 1.42, little-endian: u64 Unix time in ns, u64 counter within the
    /// process, u32 process id, 44 random bytes.
    /// @throws `errno`, "write <path>"
    Token renew();

   private:
    friend class FileLock;
    Guard(sys::Fd fd, fs::path path, bool excludes)
        : fd_(std::move(fd)), path_(std::move(path)), excludes_(excludes) {}
    sys::Fd fd_;  // closing it releases the lock; empty for a read-only store without a lock file
    fs::path path_;
    bool excludes_;
  };

  /// Does nothing on disk yet.
  explicit FileLock(fs::path path) : path_(std::move(path)) {}
  FileLock(fs::path path, ReadOnly) : path_(std::move(path)), read_only_(true) {}

  fs::path const& path() const noexcept { return path_; }

  /// Waits until no other holder has it exclusively.
  /// @throws `errno`, "open <path>", "lock <path>"
  Guard shared() const { return *acquire(sys::LockKind::shared, sys::LockWait::yes); }
  /// Waits until there is no other holder.
  /// @throws as `shared`; `Errc::store_read_only` for a read-only store
  Guard exclusive() const { return *acquire(sys::LockKind::exclusive, sys::LockWait::yes); }
  /// Empty if another holder has it exclusively.
  std::optional<Guard> try_shared() const { return acquire(sys::LockKind::shared, sys::LockWait::no); }
  /// Empty if there is another holder.
  std::optional<Guard> try_exclusive() const { return acquire(sys::LockKind::exclusive, sys::LockWait::no); }
  /// A guard without a lock, to read a file that others may be writing.
  Guard unlocked() const { return Guard(open(), path_, false); }

 private:
  sys::Fd open() const;

  /// True for the errors by which the kernel and remote file systems report missing lock support (fcntl(2),
  /// nfs(5)). FUSE servers usually return ENOSYS or EOPNOTSUPP. EBADF is not included: it would be a bug
  /// here.
  static bool means_no_locks(int code) noexcept;

  std::optional<Guard> acquire(sys::LockKind kind, sys::LockWait wait) const;

  fs::path path_;
  bool read_only_ = false;
};

static_assert(StoreLock<FileLock>);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/lock/file_lock.ipp>
#endif
