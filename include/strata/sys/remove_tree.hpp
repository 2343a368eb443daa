#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {
namespace detail {

/// Deletes by descriptors, so that no concurrent rename or symbolic link can lead out of the tree.
class TreeRemover {
 public:
  explicit TreeRemover(fs::path top) : descent_(std::move(top)), top_(descent_.path()) {}

  /// @return false if the name does not exist
  bool remove(int parent, std::string const& name);

 private:
  static constexpr int most_attempts = 1000;  // limit against a process that keeps creating files

  fs::path path(std::string const& name) const { return descent_.empty() ? top_ : descent_.path(name); }

  /// @return false if it must be emptied first: a non-empty directory, or one mistaken for a file
  bool unlink(int parent, std::string const& name, int flags);

  void enter(int parent, std::string const& name);

  /// Tries to delete a btrfs subvolume as a whole, where permitted: fast, and works on read-only ones.
  static bool is_subvolume_gone(int parent, std::string const& name, int fd);

  /// Gives the owner full access to a directory, to delete its contents.
  static bool open_up(int parent, std::string const& name) noexcept;

  Descent<Entries> descent_;
  fs::path top_;
  int emptied_ = 0;
};

/// `path` without slashes at its end.
/// @throws EINVAL, "unlink <path>": it does not name an entry of a directory
fs::path removable(fs::path const& path);

}  // namespace detail

/// Deletes a file, or a directory with its contents, at any depth. Never deletes through a mount: mounts at
/// and below `path` are detached, and only what is beneath them in the tree is deleted. Symbolic links are
/// deleted rather than followed, except in the directory part of `path`. Safe against concurrent deletion.
///
/// @return false if it does not exist
/// @throws `errno`, "unlink <path>", "open <path>"; the tree is then partly deleted. EINVAL: `path` ends with
///   "." or "..", or is "/"
bool remove_tree(fs::path path);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/remove_tree.ipp>
#endif
