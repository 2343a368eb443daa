#pragma once

#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <span>
#include <string_view>
#include <sys/stat.h>

namespace strata::sys {

/// A digest of a tree's metadata, to detect whether anything was written to it: names; inode, size and ctime
/// of files; inode, mode, owner, mtime and portable attributes of directories, including the top. Not a
/// directory's ctime: overlayfs sets attributes of its own (`trusted.overlay.uuid`, `.origin`) on upper
/// directories on lookup, and mounting may set the top's owner and mode anew. File contents are not read. Two
/// changes within one kernel clock tick (some milliseconds) may look like one.
/// @throws `errno`, "open <path>", "stat <path>", "listxattr <path>", "getxattr <path>"
inline Digest tree_signature(fs::path const& top) {
  Hasher hasher;
  auto const add_numbers = [&](std::initializer_list<std::int64_t> numbers) {
    hasher.update(std::as_bytes(std::span(numbers.begin(), numbers.size())));
  };
  auto const add_text = [&](std::string_view text) {
    add_numbers({std::ssize(text)});
    hasher.update(std::as_bytes(std::span(text)));
  };
  auto const add_time = [&](timespec const& time) {
    add_numbers({static_cast<std::int64_t>(time.tv_sec), static_cast<std::int64_t>(time.tv_nsec)});
  };
  auto const add_directory = [&](Fd const& fd, fs::path const& path, struct stat const& status) {
    add_numbers({static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_mode),
                 static_cast<std::int64_t>(status.st_uid), static_cast<std::int64_t>(status.st_gid)});
    add_time(status.st_mtim);
    auto names = list_xattrs(fd.get(), path);
    std::ranges::sort(names);
    for (auto const& name : names) {
      if (!is_portable_xattr(name)) continue;
      add_text(name);
      add_text(get_xattr(fd.get(), name, path).value_or(""));
    }
  };
  struct stat status {};
  if (::lstat(top.c_str(), &status) != 0) throw_errno("stat", top);
  add_directory(open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY), top, status);
  walk(top, [&](Visited const& visited) {
    add_text(visited.path);
    if (S_ISDIR(visited.status.st_mode)) {
      // By its name alone: the full path may exceed PATH_MAX.
      auto const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
      return add_directory(open_at(visited.directory, visited.name, flags), visited.path, visited.status);
    }
    add_numbers({static_cast<std::int64_t>(visited.status.st_ino),
                 static_cast<std::int64_t>(visited.status.st_size)});
    add_time(visited.status.st_ctim);
  });
  return hasher.finish();
}

}  // namespace strata::sys
