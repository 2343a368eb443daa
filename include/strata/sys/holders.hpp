#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/mount_entry.hpp>

#include <climits>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// Finds the processes that keep a directory or mount busy, from /proc.
namespace strata::sys {

/// A process and one thing that it holds, or a mount of the calling process's mount namespace.
struct Holder {
  int pid = 0;                        ///< 0: a mount of the own namespace
  std::string name = {};              ///< of the program, as in /proc/PID/comm
  std::uint64_t mount_namespace = 0;  ///< its number, as `lsns` shows it; 0: it may not be asked
  std::string what = {};              ///< "its working directory", "its root", "open: /x", "a mount at /x"
};

namespace detail {

/// Target of a link in /proc; empty if it cannot be read or the process has ended.
std::string read_proc_link(std::string const& path);

/// Contents of a file in /proc; empty likewise.
std::string read_proc_file(std::string const& path);

/// The number of a process's mount namespace, from "mnt:[4026531840]"; 0 if it cannot be read.
std::uint64_t mount_namespace(std::string const& process);

/// True for a kernel thread: its `exe` link exists but has no target.
bool is_kernel_thread(std::string const& process);

/// The place searched for: a path and, if it is a mount point, the file system mounted there.
class HeldPlace {
 public:
  explicit HeldPlace(fs::path const& path);

  /// @param name path as /proc reports it
  /// @param device of the file
  /// @param near same mount namespace as ours, so that `name` has the same meaning
  bool has(std::string const& name, dev_t device, bool near) const;
  bool has(MountEntry const& entry) const;
  /// True for an overlay mount whose upper or work directory is in the place.
  bool is_below_overlay(MountEntry const& entry) const;

 private:
  bool is_below(std::string const& name) const;

  std::string path_;
  dev_t device_ = 0;
  std::optional<dev_t> mounted_;
};

/// Collects what processes hold, one process at a time.
class HolderSearch {
 public:
  HolderSearch(HeldPlace const& place, std::vector<Holder>& found, std::size_t most);

  void look_at_own_mounts();

  void look_at(std::string const& process, int pid);

 private:
  /// Mount ids are unique across namespaces, so mounts of our own namespace are recognized even where a
  /// process's namespace cannot be read.
  void look_at_mounts();

  void look_at_link(std::string const& link, std::string what);

  /// Lines: "<range> <permissions> <offset> <major:minor, hexadecimal> <inode>      <name>" (proc(5)).
  void look_at_maps(std::string_view text);

  void add(std::string what);

  HeldPlace const& place_;
  std::vector<Holder>& found_;
  std::size_t most_;
  std::uint64_t own_namespace_;
  std::set<std::uint64_t> namespaces_;
  std::set<int> told_;  ///< ids of mounts already reported, or reported last
  Holder holder_;
  std::string process_;
  bool near_ = false;
};

}  // namespace detail

/// Finds the processes that hold something at or below `path`, or on the file system mounted there: a working
/// or root directory, open or mapped files, or a mount in their own mount namespace. The calling process is
/// skipped. One process represents each other mount namespace; mounts of our own are reported last, with pid
/// 0. Kernel threads are reported only if no other holder is found.
///
/// Intended for error messages: costs about a millisecond per process. Processes that cannot be inspected are
/// skipped.
/// @param most maximum number of results
std::vector<Holder> holders(fs::path const& path, std::size_t most = 8);

/// Formats holders: "held by sleep (process 12, mount namespace 4026531840): its working directory; a mount
/// at /x in mount namespace 4026531841; …". Empty if there are none.
std::string describe(std::vector<Holder> const& holders);

/// As `throw_errno`. For EBUSY, EINVAL and EPERM also searches the holders of `path`, for `Error::holder()`
/// and the message.
[[noreturn]] void throw_busy(std::string_view operation, fs::path const& path);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/holders.ipp>
#endif
