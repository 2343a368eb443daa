#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
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
inline void fill_random(std::span<unsigned char> to) {
  if (retry([&] { return ::getrandom(to.data(), to.size(), 0); }) != std::ssize(to))
    throw_errno("getrandom", "");
}

/// A random number for names that must not collide with another process's.
inline std::uint32_t random_number() {
  std::array<unsigned char, sizeof(std::uint32_t)> bytes;
  fill_random(bytes);
  return std::bit_cast<std::uint32_t>(bytes);
}

/// Reads up to `size` bytes and returns how many; 0 at the end of the file. Waits on a non-blocking
/// descriptor.
/// @param path for the error's subject, "read <path>"
inline std::size_t read_some(int fd, void* to, std::size_t size, fs::path const& path) {
  for (;;) {
    auto const n = ::read(fd, to, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) {
      pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      throw_errno("read", path);
    }
  }
}

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
inline std::string read_rest(int fd, fs::path const& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("stat", path);
  std::string text;
  std::size_t filled = 0;
  // One byte more than the file size lets the last read hit the end without growing the string.
  for (std::size_t room = static_cast<std::size_t>(status.st_size) + 1;; room = filled) {
    if (text.size() == filled) text.resize(filled + (room < 4096 ? 4096 : room));
    std::size_t const n = read_some(fd, text.data() + filled, text.size() - filled, path);
    if (n == 0) break;
    filled += n;
  }
  text.resize(filled);
  return text;
}

/// Reads a whole file.
/// @throws `errno`, "open <path>", "read <path>"
inline std::string read_file(fs::path const& path) {
  return read_rest(open_at(AT_FDCWD, path, O_RDONLY).get(), path);
}

/// As `read_file`; empty if the file does not exist.
inline std::optional<std::string> read_file_if_exists(fs::path const& path) {
  Fd const fd = try_open_at(AT_FDCWD, path.c_str(), O_RDONLY);
  if (fd) return read_rest(fd.get(), path);
  if (errno == ENOENT) return std::nullopt;
  throw_errno("open", path);
}

/// Opens a file of a store for reading; empty if it does not exist. Does not block on a FIFO in its place.
/// @throws `errno`, "open <path>"; EINVAL for a FIFO or a device
inline std::optional<Fd> open_stored(fs::path const& path) {
  Fd fd = try_open_stored(path.c_str());
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno("open", path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("stat", path);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {  // reading a directory fails, with EISDIR
    errno = EINVAL;
    throw_errno("open", path);
  }
  return fd;
}

/// Reads a whole file of a store; empty if it does not exist.
/// @throws as `open_stored`; `errno`, "read <path>"
inline std::optional<std::string> read_stored(fs::path const& path) {
  auto const fd = open_stored(path);
  if (!fd) return std::nullopt;
  return read_rest(fd->get(), path);
}

/// rename(2).
/// @throws `errno`, "rename <to>"
inline void rename(fs::path const& from, fs::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno("rename", to);
}

/// Removes a file or link. @return false if it does not exist
/// @throws `errno`, "unlink <path>"
inline bool remove_file(fs::path const& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (!is_absent(errno)) throw_errno("unlink", path);
  return false;
}

/// Removes the directories between a file and `top` that are empty, from the file's upwards; those that do not
/// exist are passed.
/// @return the first that stays, or `top`
inline fs::path remove_empty_parents(fs::path const& file, fs::path const& top) {
  auto above = file.parent_path();
  while (above != top && (::rmdir(above.c_str()) == 0 || is_absent(errno))) above = above.parent_path();
  return above;
}

/// Atomically swaps two names on one file system (renameat2(2), RENAME_EXCHANGE).
/// @throws `errno`, "rename <two>"
inline void exchange(fs::path const& one, fs::path const& two) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE) != 0)
    throw_errno("rename", two);
}

/// Waits until the entries of a directory are on stable storage. Does nothing on file systems without support
/// (EINVAL).
inline void sync_directory(fs::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw_errno("fsync", path);
}

/// Waits until a whole file system is on stable storage, including files of other processes.
/// @param fd any descriptor on it; reports write errors since it was opened (Linux 5.8)
/// @param path for the error's subject
/// @throws `errno`, "syncfs <path>"; a retry would not report the error again
inline void flush_file_system(int fd, fs::path const& path) {
  if (::syncfs(fd) != 0) throw_errno("syncfs", path);
}
/// As above, for the file system of `directory`.
/// @throws also `errno`, "open <path>"
inline void flush_file_system(fs::path const& directory) {
  flush_file_system(open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY).get(), directory);
}

/// Waits until a file's data, and the metadata needed to read it, are on stable storage. Do not retry after a
/// failure: the kernel may have marked the lost pages clean.
inline void sync_file(int fd, fs::path const& path) {
  if (::fdatasync(fd) != 0) throw_errno("fdatasync", path);
}

/// A path, absolute and clean; an empty one stays empty.
/// @throws `errno`, "getcwd <path>", if the working directory was removed
inline fs::path absolute(fs::path const& path) {
  if (path.empty()) return path;
  boost::system::error_code error;
  auto found = clean(fs::absolute(path, error));
  throw_if(error, "getcwd", path);
  return found;
}

/// The directory part of a path; "." if it has no "/".
inline fs::path directory_of(fs::path const& path) {
  auto parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// Creates a directory and its missing parents with `mode` less the umask. Existing directories are left
/// unchanged. Safe against other processes doing the same.
/// @param flush `full`: the new directory entries are on stable storage on return
/// @throws `errno`, "mkdir <path>"; ENOTDIR if the name is not a directory
inline void make_directories(fs::path const& path, unsigned mode, Flush flush = Flush::none) {
  if (::mkdir(path.c_str(), mode) != 0) {
    if (errno == ENOENT && path.has_relative_path() && directory_of(path) != path) {
      make_directories(directory_of(path), mode, flush);
      if (::mkdir(path.c_str(), mode) == 0) {
        if (flush == Flush::full) sync_directory(directory_of(path));
        return;
      }
    }
    int const code = errno;
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) return;
      errno = ENOTDIR;
    } else if (code != EEXIST) {
      errno = code;
    }
    throw_errno("mkdir", path);
  }
  if (flush == Flush::full) sync_directory(directory_of(path));
}

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
  explicit ReplacingFile(fs::path target, ReplaceOptions options = {})
      : target_(std::move(target)), options_(options) {
    // File names have at most 255 bytes. A long base may be truncated, as the digits keep the name unique.
    auto const base = target_.filename().native().substr(0, 255 - paths::temporary_prefix.size() - 10);
    if (options_.temporary_name == TemporaryName::fixed) {
      temporary_ = directory_of(target_) / (std::string(paths::temporary_prefix) + base);
      auto const open_new = [&] {
        fd_ = try_open_at(AT_FDCWD, temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
        return static_cast<bool>(fd_);
      };
      // Never reuse the remains of a crash: the name may be anything, for example a link.
      if (!open_new() && (errno != EEXIST || ::unlink(temporary_.c_str()) != 0 || !open_new()))
        throw_errno("open", temporary_);
      return;
    }
    for (int attempt = 0;; ++attempt) {
      temporary_ = directory_of(target_) /
                   (std::string(paths::temporary_prefix) + base + std::to_string(random_number()));
      fd_ = try_open_at(AT_FDCWD, temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
      if (fd_) return;
      if (errno != EEXIST || attempt == 1000) throw_errno("open", temporary_);
    }
  }
  ReplacingFile(ReplacingFile&&) noexcept = default;
  ReplacingFile& operator=(ReplacingFile&& other) noexcept {
    if (this != &other) {
      discard();
      target_ = std::move(other.target_);
      temporary_ = std::move(other.temporary_);
      options_ = other.options_;
      fd_ = std::move(other.fd_);
    }
    return *this;
  }
  ~ReplacingFile() { discard(); }

  /// The temporary file's descriptor, open for reading and writing.
  int fd() const noexcept { return fd_.get(); }
  fs::path const& target() const noexcept { return target_; }
  fs::path const& temporary() const noexcept { return temporary_; }

  void write(Bytes bytes) { write_all(fd_.get(), bytes, temporary_); }

  /// Flushes what was written so far, which shortens a later `commit()`.
  void flush() {
    if (options_.flush == Flush::full) sync_file(fd_.get(), temporary_);
  }

  /// Sets the mode and flushes, which leaves `commit()` little more than the rename.
  void prepare() {
    if (::fchmod(fd_.get(), options_.mode) != 0) throw_errno("chmod", temporary_);
    flush();
  }

  /// Renames the file into place. Call once. If it throws, the target is unchanged, unless only the final
  /// flush of the directory failed.
  void commit() {
    prepare();
    sys::rename(temporary_, target_);
    fd_.reset();
    if (options_.flush == Flush::full) sync_directory(directory_of(target_));
  }
  /// True once the file is in place.
  bool is_committed() const noexcept { return !fd_; }

  /// Keeps the temporary file, for another process to use. No other call may follow.
  void leave() noexcept { fd_.reset(); }

 private:
  void discard() noexcept {
    if (fd_) ::unlink(temporary_.c_str());
    fd_.reset();
  }

  fs::path target_;
  fs::path temporary_;
  ReplaceOptions options_;
  Fd fd_;  // empty after commit or move
};

/// Atomically replaces a whole file; see `ReplacingFile`.
inline void replace_file(fs::path const& target, std::string_view content, ReplaceOptions options = {}) {
  ReplacingFile file(target, options);
  file.write(as_bytes(content));
  file.commit();
}

}  // namespace strata::sys
