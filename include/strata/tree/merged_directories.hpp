#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <linux/openat2.h>
#include <numeric>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// Directories merged by overlayfs's rules: the uppermost takes precedence; a whiteout, a non-directory or an
/// opaque directory hides what is below it. Follows no links, and never leaves the directories. Thread-safe.
class MergedDirectories {
 public:
  /// @param uppermost_first  opened here
  /// @param has_whiteouts    false: a whole tree, in which overlayfs's marks have no meaning
  explicit MergedDirectories(std::vector<fs::path> const& uppermost_first, bool has_whiteouts = true);

  /// What is visible at a path.
  struct Found {
    std::vector<std::size_t> roots = {};  ///< that have it, uppermost first; several only for a directory
    struct stat status = {};              ///< of the uppermost
    explicit operator bool() const noexcept { return !roots.empty(); }
    bool is_directory() const noexcept { return !roots.empty() && S_ISDIR(status.st_mode); }
  };

  /// The roots that merge at the top.
  std::vector<std::size_t> all() const;

  /// @param visible  roots that have the parent directory, uppermost first
  /// @param path     clean, without a leading "/"
  /// @throws `errno`, "stat <path>"
  Found find(std::vector<std::size_t> const& visible, std::string const& path) const;

  /// True if overlayfs would look elsewhere for the rest of what is at a path: a renamed directory, or a file of
  /// which only the metadata was copied up.
  /// @param found  at that path, a directory or a regular file
  /// @throws `errno`
  bool is_redirected(Found const& found, std::string const& path) const;

  /// Names in a directory, sorted; some may be hidden. @throws `errno`
  std::vector<std::string> names(std::vector<std::size_t> const& visible, std::string const& path) const;

  /// Target of a link; empty if it is none. @throws `errno`
  std::string link(std::size_t root, std::string const& path) const;

  /// Opens a file in one of the roots; empty if it is absent. @throws `errno`, "open <path>"
  sys::Fd open(std::size_t root, std::string const& path, int flags) const;

 private:
  bool look(std::size_t root, std::string const& path, struct stat& status) const;
  bool is_opaque(std::size_t root, std::string const& path) const;

  std::vector<sys::Fd> roots_ = {};
  bool has_whiteouts_;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/merged_directories.ipp>
#endif
