#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/opened_node.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace strata::archive {

/// Whether a failing chown is an error.
enum class ChownErrors { fail, ignore };

/// Sets a file's attributes from a header: owner, then mode (a chown would clear setuid and setgid), extended
/// attributes, times. Makes system calls only for what differs. Not safe for concurrent use.
class AttributeSetter {
 public:
  /// @param path for error messages
  AttributeSetter(int fd, sys::OpenedAs as, std::string_view path);

  struct stat const& status() const noexcept;

  /// @throws `Errc::corrupt_archive`: an id outside 0 to 2^32 - 2
  static void check_owner(TarHeader const& header, std::string_view path);
  /// @throws as `check_owner`
  void owner(TarHeader const& header, ChownErrors errors);

  /// Sets the permission bits, again after a change of owner that may have cleared setuid or setgid.
  void mode(std::uint32_t permissions);

  /// Stores a substitute mode and puts the real attributes into `override_stat_xattr`. Call after `xattrs`,
  /// as the archive may contain that attribute as well.
  void stand_in(std::uint32_t stored_mode, std::string const& real);

  /// Sets the extended attributes. Skips security.selinux, which belongs to the host, and overlayfs's own,
  /// with which an archive could redirect a directory or hide files of lower layers; also those that the file
  /// system does not support or a user namespace may not set.
  void xattrs(TarHeader const& header);

  /// Access and modification time. The access time is not before the modification time; times before 1970
  /// become 1970, except for links.
  static std::array<timespec, 2> times_of(TarHeader const& header);
  /// Converts times; those before 1970 become 1970 unless `also_before_1970`.
  static std::array<timespec, 2> clamp(FileTime atime, FileTime mtime, bool also_before_1970 = false);

  void times(std::array<timespec, 2> const& spec);

 private:
  [[noreturn]] void fail(std::string_view operation) const { sys::throw_errno(operation, path_); }

  sys::OpenedNode node_;
  std::string_view path_;
  struct stat status_ = {};
  bool owner_changed_ = false;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/attributes.ipp>
#endif
