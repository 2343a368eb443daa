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

/// How a file was opened: for its contents, or with O_PATH because it must not be (links, devices, fifos).
enum class Handle { file, path_only };

enum class ChownErrors { fail, ignore };

/// Gives one file what a header says of it: owner, then mode (which a change of owner would strip of setuid and
/// setgid), extended attributes, times. Calls the kernel only for what differs.
class AttributeSetter {
 public:
  /// @param path  for errors
  AttributeSetter(int fd, Handle handle, std::string_view path)
      : fd_(fd), path_only_(handle == Handle::path_only), path_(path) {
    if (::fstat(fd_, &status_) != 0) fail("stat");
  }

  struct stat const& status() const noexcept {
    return status_;
  }

  /// @throws `Errc::corrupt_archive`: an id that no file can have
  static void check_owner(TarHeader const& header, std::string_view path) {
    auto const valid = [](std::int64_t id) { return id >= 0 && id < 0xFFFF'FFFF; };  // -1 would mean "leave"
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

  void mode(std::uint32_t permissions) {
    auto const wanted = static_cast<mode_t>(permissions & 07777U);
    bool const may_be_stripped = owner_changed_ && (wanted & (S_ISUID | S_ISGID)) != 0;
    if ((status_.st_mode & 07777U) == wanted && !may_be_stripped) return;
    if ((path_only_ ? ::chmod(proc_path().c_str(), wanted) : ::fchmod(fd_, wanted)) != 0) fail("chmod");
  }

  /// Stores it with a mode of the driver's choice; what it really is goes into an attribute. To be called after `xattrs`,
  /// for an archive may hold that attribute, too.
  void stand_in(std::uint32_t stored_mode, std::string const& real) {
    int const rc = path_only_
                       ? ::setxattr(proc_path().c_str(), override_stat_xattr, real.data(), real.size(), 0)
                       : ::fsetxattr(fd_, override_stat_xattr, real.data(), real.size(), 0);
    if (rc != 0) fail(std::string("setxattr ") + override_stat_xattr + " on");
    mode(stored_mode);
  }

  /// Passes over security.selinux, which belongs to the host, and overlayfs's own, which an archive could use to
  /// redirect a directory or to hide a parent's files; over what the file system cannot keep; and over what a
  /// user namespace may not set.
  void xattrs(TarHeader const& header) {
    for (auto const& [key, value] : header.xattrs) {
      if (!is_unpacked_xattr(key)) continue;
      int const rc = path_only_ ? ::setxattr(proc_path().c_str(), key.c_str(), value.data(), value.size(), 0)
                                : ::fsetxattr(fd_, key.c_str(), value.data(), value.size(), 0);
      if (rc == 0 || errno == ENOTSUP || (errno == EPERM && sys::in_user_namespace())) continue;
      // A path-only descriptor of a link: /proc leads to the link itself, whose kind may carry no such attribute.
      if (S_ISLNK(status_.st_mode) && (errno == EPERM || errno == ELOOP)) continue;
      fail("setxattr " + key + " on");
    }
  }

  /// The access time is not before the modification time; a time before 1970 becomes 1970, save for links.
  static std::array<timespec, 2> times_of(TarHeader const& header) {
    auto atime = header.atime.value_or(FileTime{});
    if (atime < header.mtime) atime = header.mtime;
    return clamp(atime, header.mtime, header.type == EntryType::symlink);
  }
  static std::array<timespec, 2> clamp(FileTime atime, FileTime mtime, bool also_before_1970 = false) {
    auto const spec = [&](FileTime t) {
      if (t.seconds < 0 && !also_before_1970) t = {};
      return timespec{.tv_sec = t.seconds, .tv_nsec = t.nanoseconds};
    };
    return {spec(atime), spec(mtime)};
  }

  void times(std::array<timespec, 2> const& spec) {
    // O_PATH descriptors take times through an empty path since Linux 5.8
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
