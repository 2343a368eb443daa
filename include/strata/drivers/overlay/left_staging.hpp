#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/remove_tree.hpp>

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

namespace strata::drivers::overlay {

/// True if a directory of `<home>/staging` without a lock file is old enough to be garbage. Releases before
/// 1.54 of containers/storage do not lock these directories.
/// @param changed  time of the directory's last change, seconds since 1970
inline bool is_old_staging(std::time_t changed) { return std::time(nullptr) - changed > 24 * 3600; }

/// Removes what partial pulls of other programs left in `<home>/staging`: directories whose `staging.lock` no
/// process holds, and old ones without that file. What cannot be removed is left for the next call.
inline void prune_staging(fs::path const& home) {
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
