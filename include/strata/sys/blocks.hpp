#pragma once

#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>

#include <cstdint>
#include <set>
#include <sys/stat.h>
#include <utility>

namespace strata::sys {

/// Calls `visit(path, bytes)` with the disk space of a path and of everything below it on the same file
/// system, like `du -x`: a file with several names counts once. Follows no links, enters bind mounts, and
/// skips what vanishes meanwhile, including `top` itself.
/// @throws `errno`, "open <path>", "stat <path>"; exceptions of `visit`
template <class Visit>
void walk_blocks(fs::path const& top, Visit&& visit) {
  struct stat first {};
  if (::lstat(top.c_str(), &first) != 0) {
    if (errno == ENOENT) return;
    throw_errno("stat", top);
  }
  std::set<std::pair<dev_t, ino_t>> seen;
  auto const count = [&](fs::path const& path, struct stat const& status) {
    if (status.st_dev != first.st_dev) return;
    if (status.st_nlink > 1 && !S_ISDIR(status.st_mode) && !seen.emplace(status.st_dev, status.st_ino).second)
      return;
    visit(path, static_cast<std::uint64_t>(status.st_blocks) * 512);
  };
  count(top, first);
  if (!S_ISDIR(first.st_mode)) return;
  walk(
      top, [&](Visited const& visited) { count(top / visited.path, visited.status); }, WalkInto::file_system);
}

}  // namespace strata::sys
