#pragma once

#include <strata/sys/copy_tree.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/tree.hpp>

#include <algorithm>
#include <set>

namespace strata::sys::detail {

STRATA_INLINE void walk_all(fs::path const& top, WalkVisitor visitor, WalkInto into) {
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

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE std::uint64_t disk_usage(fs::path const& path) {
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
