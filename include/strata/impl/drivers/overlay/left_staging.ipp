#pragma once

#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/paths.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/remove_tree.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE void prune_staging(fs::path const& home) {
  auto const root = home / paths::overlay::staging;
  sys::Fd const directory = sys::try_open_at(AT_FDCWD, root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return;
  for (auto const& entry : sys::read_directory(directory.get(), root)) {
    auto const path = root / entry.name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) continue;
    auto const lock_path = path / paths::overlay::staging_lock;
    sys::Fd const lock = sys::try_open_at(AT_FDCWD, lock_path.c_str(), O_RDWR | O_NOFOLLOW);
    if (!lock) {
      if (errno != ENOENT || !is_old_staging(status.st_mtime)) continue;
    } else {
      struct flock whole {};  // zeros: the whole file
      whole.l_type = F_WRLCK;
      struct stat named {
      }, open{};
      if (sys::retry([&] { return ::fcntl(lock.get(), F_OFD_SETLK, &whole); }) != 0) continue;
      if (::fstat(lock.get(), &open) != 0 || ::lstat(lock_path.c_str(), &named) != 0 ||
          named.st_ino != open.st_ino)
        continue;
    }
    try {
      sys::remove_tree(path);
    } catch (Error const&) {  // a mount of another process, or a file that may not be removed
    }
  }
}

}  // namespace strata::drivers::overlay
