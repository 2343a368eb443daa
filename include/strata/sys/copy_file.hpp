#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <linux/fs.h>
#include <memory>
#include <span>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::sys {

/// Copies the contents of regular files in the cheapest way that the file systems support: shared blocks
/// (FICLONE), copy_file_range(2), or read and write. Remembers what failed, so use one object for the files
/// of one place. Not safe for concurrent use.
class FileCopier {
 public:
  /// Copies a file's contents. Holes stay holes.
  /// @param from, to descriptors; `to` is an empty file at position 0
  /// @param status of `from`; bytes beyond its size are not copied, fewer are not an error
  /// @param path for the errors' subjects, "read <path>" and "write <path>"
  /// @param step called with the number of bytes after each part of up to 8 MiB; may throw
  template <class Step>
  void copy(int from, int to, struct stat const& status, fs::path const& path, Step&& step) {
    if (status.st_size == 0) return;
    if (clones_) {
      if (::ioctl(to, FICLONE, from) == 0) return step(static_cast<std::size_t>(status.st_size));
      if (errno == ENOSPC || errno == EDQUOT || errno == EIO) throw_errno("write", path);
      clones_ = false;  // usually EOPNOTSUPP or EXDEV: not possible between these file systems
    }
    if (status.st_blocks * 512 >= status.st_size) {
      copy_range(from, to, 0, status.st_size, path, step);
      return;
    }
    for (off_t at = 0; at < status.st_size;) {
      off_t const data = ::lseek(from, at, SEEK_DATA);
      if (data < 0 && errno == ENXIO) break;  // the rest is a hole
      if (data < 0) throw_errno("read", path);
      off_t const hole = ::lseek(from, data, SEEK_HOLE);
      if (hole < 0) throw_errno("read", path);
      at = std::min(hole, status.st_size);
      copy_range(from, to, data, at, path, step);
    }
    if (::ftruncate(to, status.st_size) != 0) throw_errno("write", path);
  }

 private:
  static constexpr off_t part = off_t{8} << 20;
  static constexpr std::size_t buffer_size = 256 * 1024;
  static constexpr off_t small = 16 * 1024;

  template <class Step>
  void copy_range(int from, int to, off_t at, off_t end, fs::path const& path, Step&& step) {
    while (ranges_ && at < end && end - at > small) {
      off_t in = at, out = at;
      ssize_t const n = retry([&] {
        return ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(std::min(end - at, part)), 0);
      });
      if (n < 0) {
        if (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG) throw_errno("write", path);
        ranges_ = false;
      } else if (n == 0) {
        break;  // the end, or a file system that returns 0 wrongly: read decides
      } else {
        at += n;
        step(static_cast<std::size_t>(n));
      }
    }
    while (at < end) {
      if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
      auto const want = std::min(static_cast<std::size_t>(end - at), buffer_size);
      ssize_t const n = retry([&] { return ::pread(from, buffer_.get(), want, at); });
      if (n < 0) throw_errno("read", path);
      if (n == 0) return;
      for (ssize_t done = 0; done < n;) {
        auto const rest = static_cast<std::size_t>(n - done);
        ssize_t const written = retry([&] { return ::pwrite(to, buffer_.get() + done, rest, at + done); });
        if (written < 0) throw_errno("write", path);
        done += written;
      }
      at += n;
      step(static_cast<std::size_t>(n));
    }
  }

  bool clones_ = true;
  bool ranges_ = true;
  std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace strata::sys
