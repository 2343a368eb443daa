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

template <class Make>
bool NewFile::make_temporary(Make const& make) {
  auto const base = std::string(paths::temporary_prefix) + name_;
  bool const fixed = options_.temporary_name == TemporaryName::fixed;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    auto name = fixed ? base : base + std::to_string(random_number());
    if (make(name.c_str())) {
      temporary_ = std::move(name);
      return true;
    }
    if (errno != EEXIST) return false;
    if (fixed && ::unlinkat(directory_, name.c_str(), 0) != 0) return false;  // the remains of a crash
  }
  return false;
}

STRATA_INLINE NewFile::NewFile(int directory, std::string name, fs::path path, Options const& options)
    : directory_(directory), name_(std::move(name)), path_(std::move(path)), options_(options) {
  fd_ = try_open_at(directory_, ".", O_RDWR | O_TMPFILE, 0600);
  if (fd_) return;
  bool const lacks_it = errno == EOPNOTSUPP || errno == EISDIR;
  if (!lacks_it || !make_temporary([&](char const* temporary) {
        fd_ = try_open_at(directory_, temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
        return static_cast<bool>(fd_);
      }))
    throw_errno("open", path_);
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
  auto const link_as = [&](char const* name) {  // which replaces nothing
    // By its descriptor only with CAP_DAC_READ_SEARCH, and through /proc only where it is mounted.
    return ::linkat(fd_.get(), "", directory_, name, AT_EMPTY_PATH) == 0 ||
           (errno == ENOENT && ::linkat(AT_FDCWD, self.c_str(), directory_, name, AT_SYMLINK_FOLLOW) == 0);
  };
  if (!temporary_.empty() || !link_as(name_.c_str())) {
    if (temporary_.empty() && (errno != EEXIST || !make_temporary(link_as))) throw_errno("link", path_);
    if (::renameat(directory_, temporary_.c_str(), directory_, name_.c_str()) != 0)
      throw_errno("rename", path_);
  }
  fd_.reset();
  if (options_.flush == Flush::full && ::fsync(directory_) != 0 && errno != EINVAL)
    throw_errno("fsync", path_);
}

}  // namespace strata::sys
