#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// A directory entry as `read_directory` returns it.
struct DirectoryEntry {
  std::string name;
  unsigned char type = DT_UNKNOWN;  ///< `DT_…`; some file systems report only `DT_UNKNOWN`
};

/// Lists a directory except "." and "..", in the file system's order, from the descriptor's current position.
/// @param path for the error's subject, "getdents <path>"
std::vector<DirectoryEntry> read_directory(int fd, fs::path const& path);

/// Entries of a directory, as paths, sorted; none if it is missing.
/// @throws `errno`, "open <path>", "getdents <path>"
std::vector<fs::path> entries_of(fs::path const& directory);

/// True if the entry is a directory itself; false for a symbolic link to one and for an entry that no longer
/// exists.
/// @throws `errno`, "stat <name>"
bool is_directory(int parent, DirectoryEntry const& entry);

/// The entries of one directory and the position of an iteration over them.
struct Entries {
  std::vector<DirectoryEntry> entries = {};
  std::size_t next = 0;

  bool done() const noexcept { return next == entries.size(); }
  /// Moves out the next entry. Requires `!done()`.
  DirectoryEntry take() { return std::move(entries[next++]); }
};

/// `Extra` of a `Descent` that needs no per-level data.
struct Nothing {};

/// Opens a subdirectory without following a symbolic link or crossing a mount point (EXDEV). On failure
/// returns an empty `Fd` and sets `errno`.
Fd try_enter(int parent, char const* name) noexcept;

/// The chain of directories from the top of a tree to the current one, for walks of any depth. Only the
/// lowest 64 are kept open, so a tree may be deeper than the descriptor limit or PATH_MAX; the others are
/// reopened through "..". Not safe for concurrent use.
template <class Extra>
class Descent {
 public:
  struct Level {
    std::string name;
    Extra extra;
    Fd fd = {};
    dev_t device = 0;  // like `inode`, set once the descriptor has been closed
    ino_t inode = 0;
  };

  /// @param top path of the first level, used by `path()`
  explicit Descent(fs::path top) : top_(std::move(top)) {}

  bool empty() const noexcept { return levels_.empty(); }
  std::size_t depth() const noexcept { return levels_.size(); }
  Level& here() noexcept { return levels_.back(); }
  int fd() const noexcept { return levels_.back().fd.get(); }

  /// Descends into an open directory. Closes the descriptor of a level far above if too many are open.
  /// @throws `errno`, "stat <path>"
  void enter(Fd fd, std::string name, Extra extra) {
    if (levels_.size() >= most_open) {
      Level& above = levels_[levels_.size() - most_open];
      struct stat status {};
      if (::fstat(above.fd.get(), &status) != 0) throw_errno("stat", path());
      above.device = status.st_dev;
      above.inode = status.st_ino;
      above.fd.reset();
    }
    levels_.push_back({std::move(name), std::move(extra), std::move(fd)});
  }

  /// Returns to the parent directory; the result is the name of the directory left.
  /// @throws ESTALE, "open <path>", if the directory was moved in the meantime
  std::string leave() {
    Level left = std::move(levels_.back());
    levels_.pop_back();
    if (!levels_.empty() && !levels_.back().fd) {
      Level& above = levels_.back();
      struct stat status {};
      // Leaves mounts as well; the check below verifies that it is the right directory.
      above.fd = try_open_at(left.fd.get(), "..", O_RDONLY | O_DIRECTORY);
      if (!above.fd || ::fstat(above.fd.get(), &status) != 0) throw_errno("open", path());
      if (status.st_dev != above.device || status.st_ino != above.inode) {
        errno = ESTALE;
        throw_errno("open", path());
      }
    }
    return std::move(left.name);
  }

  /// The names of the levels below the top, followed by `name`, joined by "/".
  std::string relative(std::string_view name = {}) const {
    std::string text;
    for (std::size_t i = 1; i < levels_.size(); ++i) {
      text += levels_[i].name;
      text += '/';
    }
    text += name;
    if (name.empty() && !text.empty()) text.pop_back();
    return text;
  }

  /// `relative(name)` below the path of the top.
  fs::path path(std::string_view name = {}) const {
    auto const below = relative(name);
    return below.empty() ? top_ : fs::path(top_.native() + '/' + below);
  }

 private:
  static constexpr std::size_t most_open = 64;
  fs::path top_;
  std::vector<Level> levels_;
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/directory.ipp>
#endif
