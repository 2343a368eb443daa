#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/fs.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <linux/openat2.h>
#include <numeric>
#include <set>
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
  explicit MergedDirectories(std::vector<fs::path> const& uppermost_first, bool has_whiteouts = true)
      : has_whiteouts_(has_whiteouts) {
    for (auto const& path : uppermost_first)
      roots_.push_back(sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  }

  /// What is visible at a path.
  struct Found {
    std::vector<std::size_t> roots = {};  ///< that have it, uppermost first; several only for a directory
    struct stat status = {};              ///< of the uppermost
    explicit operator bool() const noexcept { return !roots.empty(); }
    bool is_directory() const noexcept { return !roots.empty() && S_ISDIR(status.st_mode); }
  };

  /// The roots that merge at the top.
  std::vector<std::size_t> all() const {
    std::vector<std::size_t> roots(roots_.size());
    std::iota(roots.begin(), roots.end(), std::size_t{0});
    return roots;
  }

  /// @param visible  roots that have the parent directory, uppermost first
  /// @param path     clean, without a leading "/"
  /// @throws `errno`, "stat <path>"
  Found find(std::vector<std::size_t> const& visible, std::string const& path) const {
    Found found;
    for (auto const index : visible) {
      struct stat status {};
      if (!look(index, path, status)) continue;
      if (has_whiteouts_ && is_overlay_whiteout(status)) break;
      if (!found) found.status = status;
      if (!S_ISDIR(status.st_mode)) {
        if (!found) found.roots.push_back(index);
        break;
      }
      found.roots.push_back(index);
      if (has_whiteouts_ && is_opaque(index, path)) break;
    }
    return found;
  }

  /// True if overlayfs would look elsewhere for the rest of what is at a path: a renamed directory, or a file of
  /// which only the metadata was copied up.
  /// @param found  at that path, a directory or a regular file
  /// @throws `errno`
  bool is_redirected(Found const& found, std::string const& path) const {
    if (!has_whiteouts_) return false;
    auto const names = OverlayXattr::here();
    auto const* const mark = found.is_directory() ? names.redirect() : names.metacopy();
    return std::ranges::any_of(found.roots, [&](std::size_t root) {
      auto const fd = open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      return fd && sys::get_xattr(fd.get(), mark, path).has_value();
    });
  }

  /// Names in a directory, sorted; some may be hidden. @throws `errno`
  std::vector<std::string> names(std::vector<std::size_t> const& visible, std::string const& path) const {
    std::set<std::string> names;
    for (auto const index : visible) {
      auto const fd = open(index, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
      if (!fd) continue;
      for (auto& entry : sys::read_directory(fd.get(), path)) names.insert(std::move(entry.name));
    }
    return {names.begin(), names.end()};
  }

  /// Target of a link; empty if it is none. @throws `errno`
  std::string link(std::size_t root, std::string const& path) const {
    auto const node = open(root, path, O_PATH | O_NOFOLLOW);
    std::string target(4096, '\0');
    auto const size = node ? ::readlinkat(node.get(), "", target.data(), target.size()) : -1;
    if (size < 0 && errno != EINVAL && !sys::is_absent(errno)) sys::throw_errno("readlink", path);
    target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return target;
  }

  /// Opens a file in one of the roots; empty if it is absent. @throws `errno`, "open <path>"
  sys::Fd open(std::size_t root, std::string const& path, int flags) const {
    sys::Fd fd =
        sys::try_open_how(roots_[root].get(), path.c_str(), flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (!fd && !sys::is_absent(errno) && errno != EXDEV) sys::throw_errno("open", path);
    return fd;
  }

 private:
  bool look(std::size_t root, std::string const& path, struct stat& status) const {
    auto const node = open(root, path, O_PATH | O_NOFOLLOW);
    if (!node) return false;
    if (::fstat(node.get(), &status) != 0) sys::throw_errno("stat", path);
    return true;
  }
  bool is_opaque(std::size_t root, std::string const& path) const {
    sys::Fd const fd = open(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) return false;
    char value = 0;
    auto const size = ::fgetxattr(fd.get(), OverlayXattr::here().opaque(), &value, 1);
    if (size < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE)
      sys::throw_errno("getxattr", path);
    return size == 1 && value == 'y';
  }

  std::vector<sys::Fd> roots_ = {};
  bool has_whiteouts_;
};

}  // namespace strata::archive
