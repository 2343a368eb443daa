#pragma once

#include <strata/drivers/overlay/options.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Parameters of one overlay mount.
struct MountPlan {
  std::vector<fs::path> lowers = {};       ///< nearest first; absolute
  std::vector<fs::path> data_lowers = {};  ///< data-only lowers, to which files of `lowers` refer: Linux 6.5
  fs::path upper = {};                     ///< empty: a read-only mount without upper
  fs::path work = {};
  std::vector<std::string> options = {};  ///< in mount(8)'s syntax: flags and overlay's own
  std::string label = {};                 ///< for SELinux
  fs::path target = {};
  /// The kernel's attributes are "user.overlay.*", as is required in a user namespace (Linux 5.11).
  bool user_xattr = false;
};

/// System call with which to mount.
enum class MountCall {
  any,          ///< the first of the following that can express the plan
  text,         ///< mount(2): all paths in one page
  parameters,   ///< fsconfig(2), one call per lower layer: Linux 6.8
  descriptors,  ///< mount(2), with lower layers as numbers of open descriptors
};

namespace detail {

/// A flag in mount(8)'s syntax.
struct FlagWord {
  std::string_view word;
  unsigned long set;
  unsigned long clear;
};
inline constexpr std::array flag_words{
    FlagWord{"ro", MS_RDONLY, 0},
    FlagWord{"rw", 0, MS_RDONLY},
    FlagWord{"nosuid", MS_NOSUID, 0},
    FlagWord{"suid", 0, MS_NOSUID},
    FlagWord{"nodev", MS_NODEV, 0},
    FlagWord{"dev", 0, MS_NODEV},
    FlagWord{"noexec", MS_NOEXEC, 0},
    FlagWord{"exec", 0, MS_NOEXEC},
    FlagWord{"sync", MS_SYNCHRONOUS, 0},
    FlagWord{"async", 0, MS_SYNCHRONOUS},
    FlagWord{"dirsync", MS_DIRSYNC, 0},
    FlagWord{"noatime", MS_NOATIME, 0},
    FlagWord{"atime", 0, MS_NOATIME},
    FlagWord{"nodiratime", MS_NODIRATIME, 0},
    FlagWord{"diratime", 0, MS_NODIRATIME},
    FlagWord{"relatime", MS_RELATIME, 0},
    FlagWord{"norelatime", 0, MS_RELATIME},
    FlagWord{"strictatime", MS_STRICTATIME, 0},
    FlagWord{"nostrictatime", 0, MS_STRICTATIME},
    FlagWord{"private", MS_PRIVATE, 0},
    FlagWord{"rprivate", MS_PRIVATE | MS_REC, 0},
    FlagWord{"slave", MS_SLAVE, 0},
    FlagWord{"rslave", MS_SLAVE | MS_REC, 0},
    FlagWord{"shared", MS_SHARED, 0},
    FlagWord{"rshared", MS_SHARED | MS_REC, 0},
    FlagWord{"defaults", 0, 0},
};

inline constexpr unsigned long propagation_flags = MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_REC;

/// Options split into mount flags, propagation and overlay's own.
struct SplitOptions {
  unsigned long flags = 0;
  unsigned long propagation = 0;
  std::vector<std::string> data = {};
};

SplitOptions split_options(std::vector<std::string> const& options);

/// True if a path can be part of mount(2)'s text unchanged; the kernel splits that at ',' and ':'.
bool is_plain(fs::path const& path);

std::string join(std::vector<std::string> const& pieces, char separator);

/// True if mount(2) accepts the text: the kernel silently truncates it to one page.
bool fits_page(std::string const& data);

[[noreturn]] void refuse_length(MountPlan const& plan);

/// Mounts with mount(2). @throws `Errc::unsupported` if the text exceeds a page; `errno`
void mount_text(MountPlan const& plan, SplitOptions const& options, std::string const& data);

/// A path that refers to a `sys::Fd` of this process; for paths that are too long, or have special
/// characters.
inline std::string descriptor_path(sys::Fd const& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

/// Converts flags of mount(2) to attributes of fsmount(2).
unsigned attributes_of(unsigned long flags);

/// Sets parameters of a file-system context.
class FsContext {
 public:
  explicit FsContext(fs::path const& target);
  void set(std::string const& key, std::string const& value);
  void flag(char const* key) { call(FSCONFIG_SET_FLAG, key, nullptr, std::string("fsconfig ") + key); }
  /// The kernel takes at most 255 bytes and removes backslashes; other paths are passed through a descriptor.
  void path(std::string const& key, fs::path const& path);
  sys::Fd make(unsigned attributes);

 private:
  void call(fsconfig_command command, char const* key, char const* value, std::string const& what);
  fs::path const& target_;
  sys::Fd fd_;
  std::vector<sys::Fd> held_;
};

/// Mounts with fsconfig(2), one call per lower layer.
void mount_by_parameters(MountPlan const& plan, SplitOptions const& options);

/// The part of mount(2)'s text for options.
std::string options_text(MountPlan const& plan, SplitOptions const& options);

/// Runs in a thread of its own, which changes its working directory to that of the descriptors.
void mount_by_descriptors(MountPlan const& plan, SplitOptions const& options);

}  // namespace detail

/// The text for mount(2); also the argument of a mount program's `-o`.
std::string mount_data(MountPlan const& plan, std::vector<std::string> const& data_options);

/// Mounts by the kernel: up to 500 layers, with paths of any length and any characters.
/// @throws `errno`, "mount overlay <target>" or "fsconfig ..."
void mount_overlay(MountPlan const& plan, MountCall call = MountCall::any);

/// Runs the user's mount program in `home` and waits for it.
/// @throws `errno`, "run <program>"; `Errc::driver_unusable` if it fails, with its output and exit status
void mount_by_program(fs::path const& program, fs::path const& home, MountPlan const& plan);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/mount.ipp>
#endif
