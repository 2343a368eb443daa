#pragma once

#include <strata/fs.hpp>
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
#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata::sys {

/// An entry that `walk` visits.
struct Visited {
  std::string const& path;    ///< relative to the top, "a/b"
  int directory;              ///< open descriptor of its directory
  std::string const& name;    ///< name in `directory`
  struct stat const& status;  ///< of the entry itself; links are not followed
};

/// Which mount points `walk` enters.
enum class WalkInto {
  own_mount,    ///< none
  file_system,  ///< those of the top's file system: bind mounts
};

namespace detail {

/// A type-erased callback, so that the walk is compiled only once.
struct WalkVisitor {
  void* object;
  void (*call)(void* object, Visited const& visited);
};

inline void walk_all(fs::path const& top, WalkVisitor visitor, WalkInto into) {
  Descent<Entries> descent(top);
  auto const enter = [&](Fd fd, std::string name) {
    auto entries = read_directory(fd.get(), descent.empty() ? top : descent.path(name));
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    descent.enter(std::move(fd), std::move(name), {std::move(entries)});
  };
  Fd root = open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY);
  struct stat status {};
  if (::fstat(root.get(), &status) != 0) throw_errno("stat", top);
  auto const device = status.st_dev;
  enter(std::move(root), {});
  while (!descent.empty()) {
    auto& level = descent.here().extra;
    if (level.done()) {
      descent.leave();
      continue;
    }
    auto const name = level.take().name;
    if (::fstatat(descent.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      throw_errno("stat", descent.path(name));
    }
    std::string const path = descent.relative(name);
    visitor.call(visitor.object, {.path = path, .directory = descent.fd(), .name = name, .status = status});
    if (!S_ISDIR(status.st_mode)) continue;
    Fd below = into == WalkInto::file_system && status.st_dev == device
                   ? try_open_at(descent.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                   : try_enter(descent.fd(), name.c_str());
    if (below)
      enter(std::move(below), name);
    else if (errno != ENOENT && errno != EXDEV)
      throw_errno("open", descent.path(name));
  }
}

}  // namespace detail

/// Calls `visit(Visited const&)` for everything below a directory: a directory before its contents, names in
/// byte order. Mount points are visited, but entered only as `into` says. Entries that vanish meanwhile are
/// skipped.
/// @throws `errno`, "open <path>", "stat <path>"; exceptions of `visit`
///
///     sys::walk(top, [](sys::Visited const& at) { std::cout << at.path << '\n'; });
template <class Visit>
void walk(fs::path const& top, Visit&& visit, WalkInto into = WalkInto::own_mount) {
  using Function = std::remove_reference_t<Visit>;
  auto* const object = const_cast<void*>(static_cast<void const*>(std::addressof(visit)));
  detail::walk_all(
      top,
      {object, [](void* function, Visited const& visited) { (*static_cast<Function*>(function))(visited); }},
      into);
}

/// Sum of the sizes (not blocks) of all non-directories below a directory, each inode once; 0 if it does not
/// exist. Works by path: only for directories that the store alone writes to.
inline std::uint64_t disk_usage(fs::path const& path) {
  std::uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  boost::system::error_code error;
  auto const check = [&] {
    if (error && error != boost::system::errc::no_such_file_or_directory)
      throw Error(std::error_code(error.value(), std::system_category()), "open " + path.native())
          .at(path.native());
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
