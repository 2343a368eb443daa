#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/resolve.hpp>

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <utility>
#include <vector>

namespace strata::archive {

/// The times of an archive's directories. Entries that are made in a directory change them, so they are set when all
/// entries are there. Memory: about 100 bytes per directory. Not safe for concurrent use.
template <class Tree>
class DirectoryTimes {
 public:
  /// What a directory is remembered by.
  enum class Named {
    by_place,  ///< the path to which its entry's name led, without links; a later entry may have replaced it
    by_entry,  ///< its entry's name, through links, as in the Go library, which refuses an archive that leaves nothing there
  };

  explicit DirectoryTimes(Named named) : named_(named) {}

  /// @param path  of the directory, as `Named` says
  void add(std::string path, TarHeader const& header) {
    directories_.push_back(
        {std::move(path), AttributeSetter::clamp(header.atime.value_or(FileTime{}), header.mtime)});
  }

  /// Sets them all, in the order in which they were added, and forgets them.
  /// @throws `errno`, "<call> <path>"; with `Named::by_entry` ENOENT or ENOTDIR, "chtimes <path>", if nothing is there
  void set(Tree& tree) {
    for (auto const& directory : directories_)
      if (named_ == Named::by_entry)
        set_by_entry(tree, directory);
      else
        set_by_place(tree, directory);
    directories_.clear();
  }

 private:
  struct Directory {
    std::string path;
    std::array<timespec, 2> times;
  };

  static void set_by_place(Tree& tree, Directory const& directory) {
    // What a later entry put there has its own times.
    auto const handle = tree.try_open(directory.path, O_RDONLY);
    if (!handle && !sys::is_absent(errno)) sys::throw_errno("open", directory.path);
    if (handle)
      typename Tree::Setter(Tree::ref(handle), sys::OpenedAs::file, directory.path).times(directory.times);
  }

  static void set_by_entry(Tree& tree, Directory const& directory) {
    auto at = resolve(tree, directory.path);
    bool const is_other = at.blocked && at.rest.find('/') == std::string::npos;
    if (!at.found() && !is_other) {
      errno = at.blocked ? ENOTDIR : ENOENT;
      sys::throw_errno("chtimes", directory.path);
    }
    auto const handle =
        is_other ? tree.open_node(Tree::ref(at.place.directory), at.rest) : std::move(at.place.directory);
    typename Tree::Setter(Tree::ref(handle), sys::OpenedAs::path_only, directory.path).times(directory.times);
  }

  Named named_;
  std::vector<Directory> directories_ = {};
};

}  // namespace strata::archive
