#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include "fuzz.hpp"
#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <unistd.h>

/// Where targets unpack what strangers made: nothing outside can be hit.
namespace fuzz {

/// An empty file system in memory, the same path in every process. All else can only be read from now on, but for the
/// directory that libFuzzer works in; so an attempt to write elsewhere is EROFS (`is_expected`). Needs root.
inline strata::fs::path const& sandbox() {
  static strata::fs::path const place = [] {
    strata::fs::path const at = "/mnt";
    auto const check = [](bool done, char const* what) {
      if (done) return;
      std::perror(what);
      std::_Exit(75);
    };
    auto const own = strata::fs::current_path();
    check(::unshare(CLONE_NEWNS) == 0, "unshare");
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    check(::mount(own.c_str(), own.c_str(), nullptr, MS_BIND, nullptr) == 0, "bind mount");
    mount_attr const read_only{
        .attr_set = MOUNT_ATTR_RDONLY, .attr_clr = 0, .propagation = 0, .userns_fd = 0};
    mount_attr const writable{.attr_set = 0, .attr_clr = MOUNT_ATTR_RDONLY, .propagation = 0, .userns_fd = 0};
    auto const set = [](char const* path, unsigned flags, mount_attr const& attr) {
      return ::mount_setattr(AT_FDCWD, path, flags, const_cast<mount_attr*>(&attr), sizeof attr) == 0;
    };
    check(set("/", AT_RECURSIVE, read_only), "read-only mounts");
    check(set(own.c_str(), 0, writable), "writable mount");
    check(::mount("fuzz", at.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, "size=64m,mode=0755") == 0, "tmpfs");
    check(::chdir(own.c_str()) == 0, "chdir");
    return at;
  }();
  return place;
}

/// Is it an error that hostile input may lead to, be it of the library or of the kernel?
inline bool is_expected(strata::Error const& error) {
  auto const& code = error.code();
  if (code.category() != std::system_category()) return true;
  return code.value() != EROFS && code.value() != EBADF && code.value() != EFAULT && code.value() != EMFILE;
}

/// Calls it. @return  whether it came to its end
template <class Call>
bool succeeds(Call&& call) {
  try {
    call();
    return true;
  } catch (strata::Error const& error) {
    if (!is_expected(error)) std::fprintf(stderr, "%s\n", error.what());
    require(is_expected(error), "an error that hostile input may lead to");
    return false;
  }
}

/// All that can be told of the files below a directory, as text: also when they were last changed in any way.
inline std::string snapshot(strata::fs::path const& directory) {
  std::string out;
  auto const tell = [&](strata::fs::path const& path) {
    struct stat status {};
    require(::lstat(path.c_str(), &status) == 0, "a file that can be looked at");
    for (auto const number :
         {static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_mode),
          static_cast<std::int64_t>(status.st_uid), static_cast<std::int64_t>(status.st_gid),
          static_cast<std::int64_t>(status.st_nlink), static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec), static_cast<std::int64_t>(status.st_mtim.tv_nsec),
          static_cast<std::int64_t>(status.st_ctim.tv_sec),
          static_cast<std::int64_t>(status.st_ctim.tv_nsec)})
      out += std::to_string(number) + ' ';
    out += path.native() + '\n';
    if (S_ISREG(status.st_mode)) out += strata::sys::read_file(path) + '\n';
  };
  tell(directory);
  for (auto const& entry : strata::fs::recursive_directory_iterator(directory)) tell(entry.path());
  return out;
}

}  // namespace fuzz
