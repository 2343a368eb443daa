#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/userns.hpp>
#include <strata/tree/override_stat.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace strata::archive {

/// How a file was opened: for reading, or with O_PATH as it must not be opened (links, devices, FIFOs).
enum class Handle { file, path_only };

/// Whether a failing chown is an error.
enum class ChownErrors { fail, ignore };

/// Sets a file's attributes from a header: owner, then mode (a chown would clear setuid and setgid), extended
/// attributes, times. Makes system calls only for what differs. Not safe for concurrent use.
class AttributeSetter {
 public:
  /// @param path for error messages
  AttributeSetter(int fd, Handle handle, std::string_view path)
      : fd_(fd), path_only_(handle == Handle::path_only), path_(path) {
    if (::fstat(fd_, &status_) != 0) fail("stat");
  }

  struct stat const& status() const noexcept {
    return status_;
  }

  /// @throws `Errc::corrupt_archive`: an id outside 0 to 2^32 - 2
  static void check_owner(TarHeader const& header, std::string_view path) {
    // -1 means "do not change"
    auto const valid = [](std::int64_t id) { return id >= 0 && id < 0xFFFF'FFFF; };
    if (!valid(header.uid) || !valid(header.gid))
      throw Error(Errc::corrupt_archive, "owner of \"" + std::string(path) + '"');
  }
  /// @throws as `check_owner`
  void owner(TarHeader const& header, ChownErrors errors) {
    check_owner(header, path_);
    auto const uid = static_cast<uid_t>(header.uid);
    auto const gid = static_cast<gid_t>(header.gid);
    if (status_.st_uid == uid && status_.st_gid == gid) return;
    if (::fchownat(fd_, "", uid, gid, AT_EMPTY_PATH) != 0) {
      if (errors == ChownErrors::ignore) return;
      fail("chown");
    }
    owner_changed_ = true;
  }

  /// Sets the permission bits, again after a change of owner that may have cleared setuid or setgid.
  void mode(std::uint32_t permissions) {
    auto const wanted = static_cast<mode_t>(permissions & 07777U);
    bool const may_be_stripped = owner_changed_ && (wanted & (S_ISUID | S_ISGID)) != 0;
    if ((status_.st_mode & 07777U) == wanted && !may_be_stripped) return;
    if ((path_only_ ? ::chmod(proc_path().c_str(), wanted) : ::fchmod(fd_, wanted)) != 0) fail("chmod");
  }

  /// Stores a substitute mode and puts the real attributes into `override_stat_xattr`. Call after `xattrs`,
  /// as the archive may contain that attribute as well.
  void stand_in(std::uint32_t stored_mode, std::string const& real) {
    int const rc = path_only_
                       ? ::setxattr(proc_path().c_str(), override_stat_xattr, real.data(), real.size(), 0)
                       : ::fsetxattr(fd_, override_stat_xattr, real.data(), real.size(), 0);
    if (rc != 0) fail(std::string("setxattr ") + override_stat_xattr + " on");
    mode(stored_mode);
  }

  /// Sets the extended attributes. Skips security.selinux, which belongs to the host, and overlayfs's own,
  /// with which an archive could redirect a directory or hide files of lower layers; also those that the file
  /// system does not support or a user namespace may not set.
  void xattrs(TarHeader const& header) {
    for (auto const& [key, value] : header.xattrs) {
      if (!is_unpacked_xattr(key)) continue;
      int const rc = path_only_ ? ::setxattr(proc_path().c_str(), key.c_str(), value.data(), value.size(), 0)
                                : ::fsetxattr(fd_, key.c_str(), value.data(), value.size(), 0);
      if (rc == 0 || errno == ENOTSUP || (errno == EPERM && sys::in_user_namespace())) continue;
      // A link opened with O_PATH: /proc leads to the link itself, which cannot carry this attribute.
      if (S_ISLNK(status_.st_mode) && (errno == EPERM || errno == ELOOP)) continue;
      fail("setxattr " + key + " on");
    }
  }

  /// Access and modification time. The access time is not before the modification time; times before 1970
  /// become 1970, except for links.
  static std::array<timespec, 2> times_of(TarHeader const& header) {
    auto atime = header.atime.value_or(FileTime{});
    if (atime < header.mtime) atime = header.mtime;
    return clamp(atime, header.mtime, header.type == EntryType::symlink);
  }
  /// Converts times; those before 1970 become 1970 unless `also_before_1970`.
  static std::array<timespec, 2> clamp(FileTime atime, FileTime mtime, bool also_before_1970 = false) {
    auto const spec = [&](FileTime t) {
      if (t.seconds < 0 && !also_before_1970) t = {};
      return timespec{.tv_sec = t.seconds, .tv_nsec = t.nanoseconds};
    };
    return {spec(atime), spec(mtime)};
  }

  void times(std::array<timespec, 2> const& spec) {
    // O_PATH descriptors accept times with an empty path since Linux 5.8
    int const rc =
        path_only_ ? ::utimensat(fd_, "", spec.data(), AT_EMPTY_PATH) : ::futimens(fd_, spec.data());
    if (rc != 0) fail("utimensat");
  }

 private:
  std::string proc_path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  [[noreturn]] void fail(std::string_view operation) const { sys::throw_errno(operation, path_); }

  int fd_;
  bool path_only_;
  std::string_view path_;
  struct stat status_ = {};
  bool owner_changed_ = false;
};

}  // namespace strata::archive
