#pragma once

#include <strata/paths.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/new_file.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata::sys {

STRATA_INLINE NewFile::NewFile(int directory, std::string name, fs::path path, Options const& options)
    : directory_(directory), name_(std::move(name)), path_(std::move(path)), options_(options) {
  fd_ = try_open_at(directory_, ".", O_RDWR | O_TMPFILE, 0600);
  for (int attempt = 0; !fd_ && attempt < 1000; ++attempt) {
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EEXIST) break;
    temporary_ = std::string(paths::temporary_prefix) + name_ + std::to_string(random_number());
    fd_ = try_open_at(directory_, temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  }
  if (!fd_) throw_errno("open", path_);
}

STRATA_INLINE NewFile::~NewFile() {
  if (fd_ && !temporary_.empty()) ::unlinkat(directory_, temporary_.c_str(), 0);
}

STRATA_INLINE void NewFile::write(Bytes bytes) {
  write_all(fd_.get(), bytes, path_.native());
  written_ += bytes.size();
  if (options_.flush != Flush::full || written_ < write_back_bytes) return;
  start_write_back(fd_.get());
  written_ = 0;
}

STRATA_INLINE void NewFile::commit() {
  if (::fchmod(fd_.get(), options_.mode) != 0) throw_errno("chmod", path_);
  if (options_.flush == Flush::full) sync_file(fd_.get(), path_);
  auto const self = "/proc/self/fd/" + std::to_string(fd_.get());
  for (int attempt = 0; temporary_.empty(); ++attempt) {
    // linkat(2) replaces nothing, so that the name is taken by rename(2).
    auto name = std::string(paths::temporary_prefix) + name_ + std::to_string(random_number());
    if (::linkat(AT_FDCWD, self.c_str(), directory_, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
      temporary_ = std::move(name);
    else if (errno != EEXIST || attempt == 1000)
      throw_errno("link", path_);
  }
  if (::renameat(directory_, temporary_.c_str(), directory_, name_.c_str()) != 0)
    throw_errno("rename", path_);
  fd_.reset();
  if (options_.flush == Flush::full && ::fsync(directory_) != 0 && errno != EINVAL)
    throw_errno("fsync", path_);
}

}  // namespace strata::sys
