#pragma once

#include <strata/sys/btrfs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>

namespace strata::sys::detail {

STRATA_INLINE bool TreeRemover::remove(int parent, std::string const& name) {
  struct stat status {};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    throw_errno("stat", top_);
  }
  // Also where a file is mounted: what lies below may be of any type.
  if (!S_ISDIR(status.st_mode) && unlink(parent, name, 0)) return true;
  enter(parent, name);
  while (!descent_.empty()) {
    auto& level = descent_.here().extra;
    if (!level.done()) {
      DirectoryEntry const entry = level.take();
      if (is_directory(descent_.fd(), entry) || !unlink(descent_.fd(), entry.name, 0))
        enter(descent_.fd(), entry.name);
    } else {
      std::string const left = descent_.leave();
      int const above = descent_.empty() ? parent : descent_.fd();
      if (!unlink(above, left, AT_REMOVEDIR)) enter(above, left);  // something was created in it meanwhile
    }
  }
  return true;
}

STRATA_INLINE bool TreeRemover::unlink(int parent, std::string const& name, int flags) {
  bool opened_up = false;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (::unlinkat(parent, name.c_str(), flags) == 0 || errno == ENOENT) return true;
    int const code = errno;
    if ((code == ENOTEMPTY || code == EEXIST || code == EISDIR) && ++emptied_ < most_attempts) return false;
    if (code == EBUSY && try_unmount_at(parent, name)) continue;
    if (code == EACCES && !std::exchange(opened_up, true) && ::fchmod(parent, 0700) == 0) continue;
    errno = code;
    break;
  }
  throw_busy("unlink", path(name));
}

STRATA_INLINE void TreeRemover::enter(int parent, std::string const& name) {
  bool opened_up = false;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (Fd fd = try_enter(parent, name.c_str())) {
      if (is_subvolume_gone(parent, name, fd.get())) return;
      auto entries = read_directory(fd.get(), path(name));
      descent_.enter(std::move(fd), name, {std::move(entries)});
      return;
    }
    if (errno == ENOENT) return;
    if (errno == EXDEV) {
      if (try_unmount_at(parent, name)) continue;
      throw_busy("unmount", path(name));
    }
    if (errno == EACCES && !std::exchange(opened_up, true) && open_up(parent, name)) continue;
    if (errno == ENOTDIR || errno == ELOOP) {  // the file below a mount that was detached
      if (unlink(parent, name, 0)) return;
      continue;
    }
    break;
  }
  throw_errno("open", path(name));
}

STRATA_INLINE bool TreeRemover::is_subvolume_gone(int parent, std::string const& name, int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_ino == btrfs::subvolume_inode &&
         btrfs::try_destroy_subvolume(parent, name);
}

STRATA_INLINE bool TreeRemover::open_up(int parent, std::string const& name) noexcept {
  int const saved = errno;
  Fd const fd = try_open_at(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  bool const done = fd && ::chmod(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), 0700) == 0;
  errno = saved;
  return done;
}

STRATA_INLINE fs::path removable(fs::path const& path) {
  auto text = path.native();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  auto const name = base_name(text);
  if (name.empty() || name == "." || name == "..") {
    errno = EINVAL;
    throw_errno("unlink", path);
  }
  return text;
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE bool remove_tree(fs::path path) {
  path = detail::removable(path);
  Fd const parent = try_open_at(AT_FDCWD, directory_of(path).c_str(), O_PATH | O_DIRECTORY);
  if (!parent) {
    if (errno == ENOENT) return false;
    throw_errno("open", directory_of(path));
  }
  return detail::TreeRemover(path).remove(parent.get(), base_name(path));
}

}  // namespace strata::sys
