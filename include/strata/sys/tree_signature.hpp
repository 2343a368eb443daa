#pragma once

#include <strata/digest.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <sys/stat.h>

namespace strata::sys {

/// What tells whether anything was written to a tree since: names, inodes, sizes and times of change of all that is in it; of
/// a directory, the top among them, mode, owner, time of modification and portable attributes. Not its time of change:
/// overlayfs gives directories of the upper layer attributes of its own (`trusted.overlay.uuid`, `.origin`) when they are
/// looked up through a mount, and whoever mounts may set owner and mode of the top to what they are. Contents are not read.
/// Two changes within one tick of the kernel's clock, some milliseconds, are one.
/// @throws `errno`, "open <path>", "stat <path>", "listxattr <path>", "getxattr <path>"
inline Digest tree_signature(std::filesystem::path const& top) {
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
  auto const add_directory = [&](Fd const& fd, std::filesystem::path const& path, struct stat const& status) {
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
      // By its name alone: with those above it, that may be longer than a path can be.
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
