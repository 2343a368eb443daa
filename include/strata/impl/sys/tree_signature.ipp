#pragma once

#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/tree_signature.hpp>

#include <algorithm>

namespace strata::sys {

STRATA_INLINE Digest tree_signature(fs::path const& top) {
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
