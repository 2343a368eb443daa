#pragma once

#include <strata/digest.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <sys/stat.h>

namespace strata::sys {

/// What tells whether anything was written to a tree since: the name, inode, size and time of change of the top and of all
/// that is in it. Contents are not read. Two changes within one tick of the kernel's clock, some milliseconds, are one.
/// @throws `errno`, "open <path>", "stat <path>"
inline Digest tree_signature(std::filesystem::path const& top) {
  Hasher hasher;
  auto const add = [&](std::string_view path, struct stat const& status) {
    std::array<std::int64_t, 5> const numbers{
        static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_size),
        static_cast<std::int64_t>(status.st_ctim.tv_sec), static_cast<std::int64_t>(status.st_ctim.tv_nsec),
        static_cast<std::int64_t>(path.size())};
    hasher.update(std::as_bytes(std::span(numbers)));
    hasher.update(std::as_bytes(std::span(path)));
  };
  struct stat status {};
  if (::lstat(top.c_str(), &status) != 0) throw_errno("stat", top);
  add({}, status);
  walk(top, [&](Visited const& visited) { add(visited.path, visited.status); });
  return hasher.finish();
}

}  // namespace strata::sys
