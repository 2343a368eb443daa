#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::sys {

/// One line of /proc/self/mountinfo.
struct MountEntry {
  int id = 0;
  int parent = 0;
  dev_t device = 0;         ///< of the file system
  fs::path root;            ///< the directory of the file system that is mounted
  fs::path point;           ///< the mount point, as this process sees it
  std::string options;      ///< of the mount: "rw,relatime"
  std::string propagation;  ///< "shared:1 master:2"; empty if private
  std::string type;         ///< "overlay"
  std::string source;
  std::string super_options;  ///< of the file system: "rw,lowerdir=…"
};

/// Decodes a mountinfo field, in which the kernel writes space, tab, newline and backslash as octal escapes
/// like "\040" (proc(5)).
std::string unescape_mount_field(std::string_view field);

/// Parses a line "<id> <parent> <major:minor> <root> <point> <options> [<tag>…] - <type> <source> <super
/// options>" (proc(5), "/proc/pid/mountinfo"). Empty if malformed.
std::optional<MountEntry> parse_mount_line(std::string_view line);

/// Calls `use(MountEntry&)` for each line of a mountinfo text.
template <class Use>
void for_each_mount(std::string_view text, Use&& use) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t const end = std::min(text.find('\n', at), text.size());
    if (auto entry = parse_mount_line(text.substr(at, end - at))) use(*entry);
    at = end + 1;
  }
}

/// All mounts that this process sees, oldest first. Costs about a microsecond per mount.
std::vector<MountEntry> mounts();

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/mount_entry.ipp>
#endif
