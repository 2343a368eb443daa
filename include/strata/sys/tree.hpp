#pragma once

#include <strata/sys/copy_tree.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/remove_tree.hpp>

#include <boost/filesystem/directory.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// What `walk` has come to.
struct Visited {
  std::string const& path;    ///< below the top, "a/b"
  int directory;              ///< open: where it is
  std::string const& name;    ///< in `directory`
  struct stat const& status;  ///< of itself, not of what a symbolic link leads to
};

/// Calls `visit(Visited const&)` with everything in a directory and below, by descriptors, each directory before what
/// is in it, in the order of the names' bytes. Mount points are visited and not entered. What vanishes meanwhile is
/// passed over.
/// @throws  `errno`, "open <path>", "stat <path>", and what `visit` throws
template <class Visit>
void walk(std::filesystem::path const& top, Visit&& visit) {
  struct Entries {
    std::vector<DirectoryEntry> entries;
    std::size_t next = 0;
  };
  Descent<Entries> descent(top);
  auto const enter = [&](Fd fd, std::string name) {
    auto entries = read_directory(fd.get(), descent.empty() ? top : descent.path(name));
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    descent.enter(std::move(fd), std::move(name), {std::move(entries)});
  };
  enter(open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY), {});
  while (!descent.empty()) {
    auto& level = descent.here();
    if (level.extra.next == level.extra.entries.size()) {
      descent.leave();
      continue;
    }
    std::string const name = std::move(level.extra.entries[level.extra.next++].name);
    struct stat status {};
    if (::fstatat(descent.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      throw_errno("stat", descent.path(name));
    }
    std::string const path = descent.relative(name);
    visit(Visited{.path = path, .directory = descent.fd(), .name = name, .status = status});
    if (!S_ISDIR(status.st_mode)) continue;
    if (Fd fd = try_enter(descent.fd(), name.c_str()))
      enter(std::move(fd), name);
    else if (errno != ENOENT && errno != EXDEV)
      throw_errno("open", descent.path(name));
  }
}

/// Bytes of all that is in a directory and is none itself, each inode once: lengths, not blocks. For directories that
/// the store fills itself; one of strangers is walked by descriptors. 0 if it does not exist.
inline std::uint64_t disk_usage(std::filesystem::path const& path) {
  namespace fs = boost::filesystem;
  std::uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  boost::system::error_code error;
  auto const check = [&] {
    if (error && error != boost::system::errc::no_such_file_or_directory)
      throw Error(std::error_code(error.value(), std::system_category()), "open " + path.native());
    return !error;
  };
  fs::recursive_directory_iterator at(path.native(), error);
  for (fs::recursive_directory_iterator const end; check() && at != end; at.increment(error)) {
    struct stat status {};
    if (::lstat(at->path().c_str(), &status) != 0) {
      if (errno == ENOENT) continue;
      throw_errno("stat", at->path().native());
    }
    if (S_ISDIR(status.st_mode)) continue;
    if (status.st_nlink > 1 && !seen.emplace(status.st_dev, status.st_ino).second) continue;
    bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return bytes;
}

}  // namespace strata::sys
