#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
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

/// Fills `to` with the kernel's random numbers: at most 256 bytes, which come in one piece (getrandom(2)).
inline void fill_random(std::span<unsigned char> to) {
  if (retry([&] { return ::getrandom(to.data(), to.size(), 0); }) != std::ssize(to))
    throw_errno("getrandom", "");
}

/// For names that must not meet another's.
inline std::uint32_t random_number() {
  std::array<unsigned char, sizeof(std::uint32_t)> bytes;
  fill_random(bytes);
  return std::bit_cast<std::uint32_t>(bytes);
}

/// Reads up to `size` bytes, waiting for a descriptor that does not block. 0: the end.
/// @param path  for the error's subject, "read <path>"
inline std::size_t read_some(int fd, void* to, std::size_t size, std::filesystem::path const& path) {
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

/// Writes all bytes, however many calls that takes.
/// @param path  for the error's subject, "write <path>"; made a path only then
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

/// The rest of a file, from where the descriptor stands.
inline std::string read_rest(int fd, std::filesystem::path const& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("stat", path);
  std::string text;
  std::size_t filled = 0;
  // One byte more than the size says lets the last read meet the end without growing the string.
  for (std::size_t room = static_cast<std::size_t>(status.st_size) + 1;; room = filled) {
    if (text.size() == filled) text.resize(filled + (room < 4096 ? 4096 : room));
    std::size_t const n = read_some(fd, text.data() + filled, text.size() - filled, path);
    if (n == 0) break;
    filled += n;
  }
  text.resize(filled);
  return text;
}

/// A whole file.  @throws `errno`, "open <path>", "read <path>"
inline std::string read_file(std::filesystem::path const& path) {
  return read_rest(open_at(AT_FDCWD, path, O_RDONLY).get(), path);
}

/// The same; nothing if no file has that name.
inline std::optional<std::string> read_file_if_exists(std::filesystem::path const& path) {
  Fd const fd = try_open_at(AT_FDCWD, path.c_str(), O_RDONLY);
  if (fd) return read_rest(fd.get(), path);
  if (errno == ENOENT) return std::nullopt;
  throw_errno("open", path);
}

/// Opens a file of a store for reading; nothing if none has that name. A pipe in its place is not waited for.
/// @throws `errno`, "open <path>"; EINVAL for a pipe or a device
inline std::optional<Fd> open_stored(std::filesystem::path const& path) {
  Fd fd = try_open_stored(path.c_str());
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno("open", path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("stat", path);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {  // of a directory, reading tells
    errno = EINVAL;
    throw_errno("open", path);
  }
  return fd;
}

/// A whole file of a store; nothing if none has that name.  @throws as `open_stored`; `errno`, "read <path>"
inline std::optional<std::string> read_stored(std::filesystem::path const& path) {
  auto const fd = open_stored(path);
  if (!fd) return std::nullopt;
  return read_rest(fd->get(), path);
}

/// rename(2).  @throws `errno`, "rename <to>"
inline void rename(std::filesystem::path const& from, std::filesystem::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno("rename", to);
}

/// Two names in one file system change places, in one step: renameat2(2).
/// @throws `errno`, "rename <two>"
inline void exchange(std::filesystem::path const& one, std::filesystem::path const& two) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE) != 0)
    throw_errno("rename", two);
}

/// Waits until the names in a directory are on the device. File systems that cannot do that (EINVAL) are let be.
inline void sync_directory(std::filesystem::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw_errno("fsync", path);
}

/// Waits until all of a file system is on the device, others' files included.
/// @param fd    of anything on it; errors are told since this was opened (Linux 5.8)
/// @param path  for the error
/// @throws      `errno`, "syncfs <path>"; do not try again after that
inline void flush_file_system(int fd, std::filesystem::path const& path) {
  if (::syncfs(fd) != 0) throw_errno("syncfs", path);
}
/// The same, of the file system that a directory is on.  @throws also `errno`, "open <path>"
inline void flush_file_system(std::filesystem::path const& directory) {
  flush_file_system(open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY).get(), directory);
}

/// Waits until a file's bytes, and what it takes to read them again, are on the device. To be tried once: after a
/// failure the kernel may call the lost bytes clean.
inline void sync_file(int fd, std::filesystem::path const& path) {
  if (::fdatasync(fd) != 0) throw_errno("fdatasync", path);
}

/// Directory of a file's name: "." for a name without "/".
inline std::filesystem::path directory_of(std::filesystem::path const& path) {
  auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

/// Makes a directory and those above it that are missing, all with `mode` less the umask; existing ones are kept as
/// they are. Others may do the same at the same time.
///
/// @param flush   `full`: the new names are on the device afterwards
/// @throws        `errno`, "mkdir <path>"; ENOTDIR if something else has that name
inline void make_directories(std::filesystem::path const& path, unsigned mode, Flush flush = Flush::none) {
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

enum class TemporaryName {
  unique,  ///< any number of writers may replace the same file at once
  fixed,  ///< for a writer that a lock makes the only one: removes what a crash left, so that it does not pile up
};

struct ReplaceOptions {
  unsigned mode = 0600;       ///< permission bits, exactly: the umask has no say
  Flush flush = Flush::full;  ///< `full`: contents and name are on the device when the call returns
  TemporaryName temporary_name = TemporaryName::unique;
};

/// A file that is written beside another and takes its place in one step; readers see the old or the new contents.
/// The temporary file `.tmp-<base><digits>`, without digits if its name is fixed, goes away with the object unless `commit()` came to its end.
/// Not for two threads at once.
class ReplacingFile {
 public:
  explicit ReplacingFile(std::filesystem::path target, ReplaceOptions options = {})
      : target_(std::move(target)), options_(options) {
    // A name has 255 bytes at most; the digits make it unique, so a long base may lose its end.
    auto const base = target_.filename().native().substr(0, 255 - paths::temporary_prefix.size() - 10);
    if (options_.temporary_name == TemporaryName::fixed) {
      temporary_ = directory_of(target_) / (std::string(paths::temporary_prefix) + base);
      auto const open_new = [&] {
        fd_ = try_open_at(AT_FDCWD, temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
        return static_cast<bool>(fd_);
      };
      // What a crash left is not written to: it may be anything.
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

  /// Of the temporary file, open for reading and writing.
  int fd() const noexcept { return fd_.get(); }
  std::filesystem::path const& target() const noexcept { return target_; }
  std::filesystem::path const& temporary() const noexcept { return temporary_; }

  void write(Bytes bytes) { write_all(fd_.get(), bytes, temporary_); }

  /// Flushes what was written so far, so that a later `commit()` has little left to wait for.
  void flush() {
    if (options_.flush == Flush::full) sync_file(fd_.get(), temporary_);
  }

  /// Does all that can be done before `commit`, which is a rename then.
  void prepare() {
    if (::fchmod(fd_.get(), options_.mode) != 0) throw_errno("chmod", temporary_);
    flush();
  }

  /// Puts the file in place. Call once. When it throws, the target is the old one, unless only the last step, the
  /// flush of the directory, failed.
  void commit() {
    prepare();
    sys::rename(temporary_, target_);
    fd_.reset();
    if (options_.flush == Flush::full) sync_directory(directory_of(target_));
  }
  /// Is it in place?
  bool is_committed() const noexcept { return !fd_; }

  /// Leaves the temporary file where it is, to another process. The last call.
  void leave() noexcept { fd_.reset(); }

 private:
  void discard() noexcept {
    if (fd_) ::unlink(temporary_.c_str());
    fd_.reset();
  }

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  ReplaceOptions options_;
  Fd fd_;  // empty: committed, or moved away
};

/// Writes a whole file in one step; see `ReplacingFile`.
inline void replace_file(std::filesystem::path const& target, std::string_view content,
                         ReplaceOptions options = {}) {
  ReplacingFile file(target, options);
  file.write(as_bytes(content));
  file.commit();
}

}  // namespace strata::sys
