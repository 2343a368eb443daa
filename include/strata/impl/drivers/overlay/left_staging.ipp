#pragma once

#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/paths.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/whole_file_lock.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace strata::drivers::overlay {
namespace detail {

STRATA_INLINE void prune_staged(fs::path const& path, std::time_t changed) {
  auto const lock_path = path / paths::overlay::staging_lock;
  sys::Fd const lock = sys::try_open_at(AT_FDCWD, lock_path.c_str(), O_RDWR | O_NOFOLLOW);
  bool const left =
      lock ? sys::try_lock(lock.get(), sys::LockKind::exclusive) && sys::is_file_at(lock_path, lock.get())
           : errno == ENOENT && is_old_staging(changed);
  if (left) sys::remove_tree(path);
}

}  // namespace detail

STRATA_INLINE void prune_staging(fs::path const& home) {
  auto const root = home / paths::overlay::staging;
  sys::Fd const directory = sys::try_open_at(AT_FDCWD, root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return;
  for (auto const& entry : sys::read_directory(directory.get(), root)) {
    auto const status = sys::find_status(directory.get(), entry.name.c_str()).best_effort();
    if (!status || !S_ISDIR(status->st_mode)) continue;
    try {
      detail::prune_staged(root / entry.name, status->st_mtime);
    } catch (Error const&) {  // a mount of another process, or a file that may not be removed
    }
  }
}

}  // namespace strata::drivers::overlay
