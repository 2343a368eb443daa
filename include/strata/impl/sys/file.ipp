#pragma once

#include <strata/sys/file.hpp>

#include <algorithm>

namespace strata::sys {

STRATA_INLINE void fill_random(std::span<unsigned char> to) {
  if (retry([&] { return ::getrandom(to.data(), to.size(), 0); }) != std::ssize(to))
    throw_errno("getrandom", "");
}

STRATA_INLINE std::uint32_t random_number() {
  std::array<unsigned char, sizeof(std::uint32_t)> bytes;
  fill_random(bytes);
  return std::bit_cast<std::uint32_t>(bytes);
}

STRATA_INLINE std::size_t read_some(int fd, void* to, std::size_t size, fs::path const& path) {
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

STRATA_INLINE std::string read_rest(int fd, fs::path const& path) {
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

STRATA_INLINE std::string read_file(fs::path const& path) {
  return read_rest(open_at(AT_FDCWD, path, O_RDONLY).get(), path);
}

STRATA_INLINE std::optional<std::string> read_file_if_exists(fs::path const& path) {
  Fd const fd = try_open_at(AT_FDCWD, path.c_str(), O_RDONLY);
  if (fd) return read_rest(fd.get(), path);
  if (errno == ENOENT) return std::nullopt;
  throw_errno("open", path);
}

STRATA_INLINE std::optional<std::string> read_limited(fs::path const& path, std::size_t most) {
  Fd const fd = try_open_at(AT_FDCWD, path.c_str(), O_RDONLY);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno("open", path);
  }
  std::string text;
  for (std::size_t filled = 0;;) {
    text.resize(std::min(most + 1, std::max<std::size_t>(2 * filled, 4096)));
    auto const n = read_some(fd.get(), text.data() + filled, text.size() - filled, path);
    filled += n;
    if (filled > most)
      throw Error(Errc::over_budget, path.native() + ": more than " + std::to_string(most) + " bytes")
          .at(path.native());
    if (n == 0) {
      text.resize(filled);
      return text;
    }
  }
}

STRATA_INLINE std::optional<Fd> open_stored(fs::path const& path) {
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

STRATA_INLINE std::optional<std::string> read_stored(fs::path const& path) {
  auto const fd = open_stored(path);
  if (!fd) return std::nullopt;
  return read_rest(fd->get(), path);
}

STRATA_INLINE void rename(fs::path const& from, fs::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno("rename", to);
}

STRATA_INLINE bool remove_file(fs::path const& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (!is_absent(errno)) throw_errno("unlink", path);
  return false;
}

STRATA_INLINE fs::path remove_empty_parents(fs::path const& file, fs::path const& top) {
  auto above = file.parent_path();
  while (above != top && (::rmdir(above.c_str()) == 0 || is_absent(errno))) above = above.parent_path();
  return above;
}

STRATA_INLINE void exchange(fs::path const& one, fs::path const& two) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE) != 0)
    throw_errno("rename", two);
}

STRATA_INLINE void sync_directory(fs::path const& path) {
  Fd const fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw_errno("fsync", path);
}

STRATA_INLINE void flush_file_system(int fd, fs::path const& path) {
  if (::syncfs(fd) != 0) throw_errno("syncfs", path);
}

STRATA_INLINE void flush_file_system(fs::path const& directory) {
  flush_file_system(open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY).get(), directory);
}

STRATA_INLINE void sync_file(int fd, fs::path const& path) {
  if (::fdatasync(fd) != 0) throw_errno("fdatasync", path);
}

STRATA_INLINE fs::path absolute(fs::path const& path) {
  if (path.empty()) return path;
  boost::system::error_code error;
  auto found = clean(fs::absolute(path, error));
  throw_if(error, "getcwd", path);
  return found;
}

STRATA_INLINE fs::path directory_of(fs::path const& path) {
  auto parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

STRATA_INLINE void make_directories(fs::path const& path, unsigned mode, Flush flush) {
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

STRATA_INLINE ReplacingFile::ReplacingFile(fs::path target, ReplaceOptions options)
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

STRATA_INLINE ReplacingFile& ReplacingFile::operator=(ReplacingFile&& other) noexcept {
  if (this != &other) {
    discard();
    target_ = std::move(other.target_);
    temporary_ = std::move(other.temporary_);
    options_ = other.options_;
    fd_ = std::move(other.fd_);
  }
  return *this;
}

STRATA_INLINE void ReplacingFile::flush() {
  if (options_.flush == Flush::full) sync_file(fd_.get(), temporary_);
}

STRATA_INLINE void ReplacingFile::prepare() {
  if (::fchmod(fd_.get(), options_.mode) != 0) throw_errno("chmod", temporary_);
  flush();
}

STRATA_INLINE void ReplacingFile::commit() {
  prepare();
  sys::rename(temporary_, target_);
  fd_.reset();
  if (options_.flush == Flush::full) sync_directory(directory_of(target_));
}

STRATA_INLINE void ReplacingFile::discard() noexcept {
  if (fd_) ::unlink(temporary_.c_str());
  fd_.reset();
}

STRATA_INLINE void replace_file(fs::path const& target, std::string_view content, ReplaceOptions options) {
  ReplacingFile file(target, options);
  file.write(as_bytes(content));
  file.commit();
}

}  // namespace strata::sys
