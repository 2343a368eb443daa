#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <linux/magic.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// A staging directory: `temp-dir-<n>` for files being built or deleted, with the file `lock-<n>` beside it,
/// which the owner keeps locked. This is the protocol of containers/storage 1.59 and later, by which any
/// program may remove the staging directories of dead processes, whichever program made them. The destructor
/// removes the directory. Movable; not safe for concurrent use.
///
/// The lock is an open-file-description lock. It conflicts with the POSIX locks of the Go programs and with
/// other objects of this process. A child forked without exec keeps it as long as it has the descriptor.
///
///     auto staging = sys::StagingDirectory::create(root);
///     auto const built = staging.next_addition();  // create it, fill it, then rename it into place
class [[nodiscard]] StagingDirectory {
 public:
  /// Creates one below `root`, which is created with mode 0700 if missing.
  /// @throws `errno`, "open <path>", "lock <path>", "mkdir <path>"
  static StagingDirectory create(fs::path const& root);

  /// Removes the staging directories of dead processes. Those in use and all other names are left alone.
  ///
  /// @param finish called with each directory, locked, before its removal; if it returns false, the directory
  ///   is kept for a later call
  /// @param flush  `none`: what intent records told need not be on stable storage before they are removed
  /// @return the directories that could not be finished or removed, with the reason; a failure does not
  ///   affect the others
  /// @throws `errno`, if `root` cannot be read; a missing root is not an error. Whatever `finish` throws
  ///   other than `Error`
  static std::vector<Error> recover(fs::path const& root,
                                    std::function<bool(StagingDirectory const&)> const& finish = {},
                                    Flush flush = Flush::full);

  /// A staging directory as seen by `look`.
  struct Seen {
    fs::path path;
    bool in_use = false;  ///< its owner is alive
    std::vector<std::string> notes = {};
  };

  /// Lists all below `root` without changing or locking anything.
  /// @throws `errno`, "open <path>"
  static std::vector<Seen> look(fs::path const& root);

  /// True if another open file description or process holds a lock on the file, or if that cannot be
  /// determined.
  static bool is_locked(fs::path const& path) noexcept;

  StagingDirectory(StagingDirectory&&) noexcept = default;
  StagingDirectory& operator=(StagingDirectory&& other) noexcept;
  /// Removes the directory. What cannot be removed is left unlocked, for a later `recover`.
  ~StagingDirectory() { discard(); }

  fs::path const& path() const noexcept { return path_; }
  /// False once it has been removed or moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(lock_); }

  /// Returns an unused name `<k>-addition` for something to build. Creates nothing; the result is renamed out
  /// when complete.
  fs::path next_addition();

  /// Writes an intent record, which tells `recover` what to finish if this process dies: an empty file
  /// `<k>-note-<text>`. A text too long for one file name begins in preceding files `<k>-part-<text>` with
  /// consecutive numbers; the record counts once its last file exists.
  /// @param text may contain any character that is allowed in file names
  void note(std::string_view text);

  /// Flushes the intent records. From now on they are removed only after the changes that they describe on this
  /// file system are on stable storage. Does nothing where directory changes are persisted in order, unless some
  /// are elsewhere.
  /// @param elsewhere  some of the changes are on another file system, or may be: the caller flushes those itself
  /// @throws `errno`, "fsync <path>"
  void keep_notes(bool elsewhere = false);

  /// All intent records, in the order written.
  /// @throws `errno`, "open <path>"
  std::vector<std::string> notes() const;

  /// Unlocks the directory and keeps its contents, as if this process had died: a later `recover` finds it.
  void leave() noexcept { lock_.reset(); }

  /// Moves a file or directory in, to be deleted, as `<k>-<its name>`. First detaches the mounts on and below
  /// it. What cannot be renamed to here (EXDEV: another file system or project quota) is deleted in place.
  /// @param flush  `full`: what is deleted in place is gone from stable storage on return, so that intent records
  ///   about it may go
  /// @return false if it does not exist
  /// @throws `errno`, "rename <path>", "fsync <path>"; EBUSY with its holders
  bool take(fs::path const& source, Flush flush = Flush::none);

  /// Deletes the directory and its contents, then the lock file. If it throws, the rest still exists and is
  /// locked; the call may be repeated.
  void remove();

 private:
  static constexpr int most_attempts = 1000;

  StagingDirectory(fs::path const& root, std::string const& number);

  /// True if directory changes reach the device in order. The journals of ext4 and XFS ensure that; btrfs
  /// persists an fsync'ed change without earlier ones.
  static bool keeps_order(fs::path const& path);

  void discard() noexcept;

  fs::path path_;
  fs::path lock_path_;
  Fd lock_;
  std::uint64_t count_ = 0;
  bool outlasts_ = false;  ///< the intent records must outlast the changes they describe
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/staging_directory.ipp>
#endif
