#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <iterator>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata::sys {

/// Fills `to` from getrandom(2). At most 256 bytes, the limit up to which the kernel delivers them at once.
void fill_random(std::span<unsigned char> to);

/// A random number for names that must not collide with another process's.
std::uint32_t random_number();

/// Reads up to `size` bytes and returns how many; 0 at the end of the file. Waits on a non-blocking
/// descriptor.
/// @param path for the error's subject, "read <path>"
std::size_t read_some(int fd, void* to, std::size_t size, fs::path const& path);

/// Writes all bytes, with as many system calls as needed. Waits on a non-blocking descriptor.
/// @param path for the error's subject, "write <path>"; converted to a path only on error
template <class Path = std::string_view>
void write_all(int fd, Bytes bytes, Path const& path = {}) {
  while (!bytes.empty()) {
    auto const n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      throw_errno("write", path);
    }
  }
}

/// Reads from the descriptor's current position to the end of the file.
std::string read_rest(int fd, fs::path const& path);

/// Reads a whole file.
/// @throws `errno`, "open <path>", "read <path>"
std::string read_file(fs::path const& path);

/// As `read_file`; empty if the file does not exist.
std::optional<std::string> read_file_if_exists(fs::path const& path);

/// Reads a whole file of at most `most` bytes; empty if it does not exist, nor the directory it is in.
/// @throws `errno`, "open <path>", "read <path>"; `Errc::over_budget`
std::optional<std::string> read_limited(fs::path const& path, std::size_t most);

/// Opens a file of a store for reading; empty if it does not exist. Does not block on a FIFO in its place.
/// @throws `errno`, "open <path>"; EINVAL for a FIFO or a device
std::optional<Fd> open_stored(fs::path const& path);

/// Reads a whole file of a store; empty if it does not exist.
/// @throws as `open_stored`; `errno`, "read <path>"
std::optional<std::string> read_stored(fs::path const& path);

/// rename(2).
/// @throws `errno`, "rename <to>"
void rename(fs::path const& from, fs::path const& to);

/// Removes a file or link. @return false if it does not exist
/// @throws `errno`, "unlink <path>"
bool remove_file(fs::path const& path);

/// Removes the directories between a file and `top` that are empty, from the file's upwards; those that do not
/// exist are passed.
/// @return the first that stays, or `top`
fs::path remove_empty_parents(fs::path const& file, fs::path const& top);

/// Atomically swaps two names on one file system (renameat2(2), RENAME_EXCHANGE).
/// @throws `errno`, "rename <two>"
void exchange(fs::path const& one, fs::path const& two);

/// Waits until the entries of a directory are on stable storage. Does nothing on file systems without support
/// (EINVAL).
void sync_directory(fs::path const& path);

/// Waits until a whole file system is on stable storage, including files of other processes.
/// @param fd any descriptor on it; reports write errors since it was opened (Linux 5.8)
/// @param path for the error's subject
/// @throws `errno`, "syncfs <path>"; a retry would not report the error again
void flush_file_system(int fd, fs::path const& path);
/// As above, for the file system of `directory`.
/// @throws also `errno`, "open <path>"
void flush_file_system(fs::path const& directory);

/// Waits until a file's data, and the metadata needed to read it, are on stable storage. Do not retry after a
/// failure: the kernel may have marked the lost pages clean.
void sync_file(int fd, fs::path const& path);

/// A path, absolute and clean; an empty one stays empty.
/// @throws `errno`, "getcwd <path>", if the working directory was removed
fs::path absolute(fs::path const& path);

/// The directory part of a path; "." if it has no "/".
fs::path directory_of(fs::path const& path);

/// Creates a directory and its missing parents with `mode` less the umask. Existing directories are left
/// unchanged. Safe against other processes doing the same.
/// @param flush `full`: the new directory entries are on stable storage on return
/// @throws `errno`, "mkdir <path>"; ENOTDIR if the name is not a directory
void make_directories(fs::path const& path, unsigned mode, Flush flush = Flush::none);

/// How `ReplacingFile` names its temporary file.
enum class TemporaryName {
  unique,  ///< allows any number of concurrent writers
  fixed,  ///< for a writer that holds a lock: replaces the remains of a crash, so that they do not accumulate
};

/// Options of `ReplacingFile` and `replace_file`.
struct ReplaceOptions {
  unsigned mode = 0600;       ///< exact permission bits; the umask does not apply
  Flush flush = Flush::full;  ///< `full`: contents and directory entry are on stable storage on return
  TemporaryName temporary_name = TemporaryName::unique;
};

/// Replaces a file atomically: writes a temporary file beside it and renames it, so that readers see either
/// the old or the new contents.
///
/// The temporary file is named `.tmp-<base><digits>` (no digits with `TemporaryName::fixed`). The destructor
/// removes it unless `commit()` has completed. Not safe for concurrent use.
///
///     sys::ReplacingFile file(path, {.mode = 0644});
///     file.write(bytes);
///     file.commit();
class ReplacingFile {
 public:
  /// Creates the temporary file.
  /// @throws `errno`, "open <path>"
  explicit ReplacingFile(fs::path target, ReplaceOptions options = {});
  ReplacingFile(ReplacingFile&&) noexcept = default;
  ReplacingFile& operator=(ReplacingFile&& other) noexcept;
  ~ReplacingFile() { discard(); }

  /// The temporary file's descriptor, open for reading and writing.
  int fd() const noexcept { return fd_.get(); }
  fs::path const& target() const noexcept { return target_; }
  fs::path const& temporary() const noexcept { return temporary_; }

  void write(Bytes bytes) { write_all(fd_.get(), bytes, temporary_); }

  /// Flushes what was written so far, which shortens a later `commit()`.
  void flush();

  /// Sets the mode and flushes, which leaves `commit()` little more than the rename.
  void prepare();

  /// Renames the file into place. Call once. If it throws, the target is unchanged, unless only the final
  /// flush of the directory failed.
  void commit();
  /// True once the file is in place.
  bool is_committed() const noexcept { return !fd_; }

  /// Keeps the temporary file, for another process to use. No other call may follow.
  void leave() noexcept { fd_.reset(); }

 private:
  void discard() noexcept;

  fs::path target_;
  fs::path temporary_;
  ReplaceOptions options_;
  Fd fd_;  // empty after commit or move
};

/// Atomically replaces a whole file; see `ReplacingFile`.
void replace_file(fs::path const& target, std::string_view content, ReplaceOptions options = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/file.ipp>
#endif
