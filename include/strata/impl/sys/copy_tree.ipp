#pragma once

#include <strata/sys/copy_tree.hpp>

namespace strata::sys {

STRATA_INLINE bool is_portable_xattr(std::string_view name) noexcept {
  return name == "security.capability" || name == "trusted.overlay.opaque" || name == "user.overlay.opaque" ||
         (name.starts_with("user.") && !name.starts_with("user.overlay."));
}

}  // namespace strata::sys

namespace strata::sys::detail {

STRATA_INLINE CopyResult TreeCopier::copy(fs::path const& from, fs::path const& to) {
  Fd source = open_at(AT_FDCWD, from, O_RDONLY | O_DIRECTORY);
  if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("mkdir", to);
  return copy(std::move(source), open_at(AT_FDCWD, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), Top::copied);
}

STRATA_INLINE CopyResult TreeCopier::copy(Fd source, Fd target, Top top) {
  root_ = Fd(retry([&] { return ::fcntl(target.get(), F_DUPFD_CLOEXEC, 0); }));
  if (!root_ || ::fstat(root_.get(), &root_status_) != 0) throw_errno("open", to_path({}));
  enter(std::move(source), std::move(target), {});
  while (!from_.empty()) {
    auto& level = from_.here().extra;
    if (!level.inside.done()) {
      entry(level.inside.take().name);
    } else {
      if (from_.depth() > 1 || top == Top::copied) set_attributes(from_.fd(), to_.fd(), level.status, {});
      from_.leave();
      to_.leave();
    }
  }
  report();
  return done_;
}

STRATA_INLINE CopyResult TreeCopier::copy_file(Fd const& from, Fd const& parent, std::string const& name) {
  struct stat status {};
  if (::fstat(from.get(), &status) != 0) throw_errno("stat", from_path({}));
  done_.entries = 1;
  if (S_ISREG(status.st_mode))
    file(from, status, parent.get(), name);
  else
    node(parent.get(), name, status);
  report();
  return done_;
}

STRATA_INLINE void TreeCopier::enter(Fd source, Fd target, std::string const& name) {
  Source level;
  if (::fstat(source.get(), &level.status) != 0) throw_errno("stat", from_path(name));
  level.inside.entries = read_directory(source.get(), from_path(name));
  if (options_.order == Order::by_name) std::ranges::sort(level.inside.entries, {}, &DirectoryEntry::name);
  from_.enter(std::move(source), name, std::move(level));
  to_.enter(std::move(target), name, {});
}

STRATA_INLINE void TreeCopier::entry(std::string const name) {
  options_.control.check();
  int const from = from_.fd();
  int const to = to_.fd();
  struct stat status {};
  if (::fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT && options_.vanished == Vanished::pass) return;
    throw_errno("stat", from_path(name));
  }
  ++done_.entries;
  report_if_due();
  if (S_ISDIR(status.st_mode)) return directory(from, to, name, status);
  if (status.st_nlink > 1) {
    auto const [first, is_first] = links_.try_emplace({status.st_dev, status.st_ino}, to_.relative(name));
    if (!is_first) return link(first->second, to, name);
  }
  if (S_ISREG(status.st_mode)) return file(open_file(from, name, status), status, to, name);
  if (S_ISLNK(status.st_mode)) return symlink(from, to, name, status);
  node(to, name, status);
}

STRATA_INLINE void TreeCopier::directory(int from, int to, std::string const& name,
                                         struct stat const& status) {
  // Skip the target itself: copying a tree into itself would not end.
  if (status.st_dev == root_status_.st_dev && status.st_ino == root_status_.st_ino) return;
  Fd source = step_into(from, name);
  if (!source) throw_errno("open", from_path(name));
  owner_of(status);  // refuse an unmappable owner before creating the directory, not after filling it
  if (::mkdirat(to, name.c_str(), 0700) != 0) {
    struct stat old {};
    if (errno != EEXIST || ::fstatat(to, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0)
      throw_errno("mkdir", to_path(name));
    if (!S_ISDIR(old.st_mode) && options_.existing == Existing::replace &&
        (::unlinkat(to, name.c_str(), 0) != 0 || ::mkdirat(to, name.c_str(), 0700) != 0))
      throw_errno("mkdir", to_path(name));
  }
  Fd target = step_into(to, name);
  if (!target) throw_errno("open", to_path(name));
  enter(std::move(source), std::move(target), name);
}

STRATA_INLINE Fd TreeCopier::step_into(int parent, std::string const& name) const {
  return options_.mounts == Mounts::refuse
             ? try_enter(parent, name.c_str())
             : try_open_at(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

STRATA_INLINE Fd TreeCopier::open_file(int from, std::string const& name, struct stat& status) const {
  // O_NOATIME keeps the source unchanged; only its owner and root may use it.
  Fd source = try_open_at(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
  if (!source && errno == EPERM) source = try_open_at(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!source || ::fstat(source.get(), &status) != 0) throw_errno("open", from_path(name));
  if (!S_ISREG(status.st_mode)) {
    errno = ESTALE;  // it was a regular file a moment ago
    throw_errno("open", from_path(name));
  }
  return source;
}

STRATA_INLINE void TreeCopier::file(Fd const& source, struct stat const& status, int to,
                                    std::string const& name) {
  Fd const target(make(to, name, "open", [&] {
    return ::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  }));
  if (status.st_size != 0)
    copier_.copy(source.get(), target.get(), status, to_path(name), [this](std::size_t n) {
      done_.bytes += n;
      options_.control.check();
      report_if_due();
    });
  set_attributes(source.get(), target.get(), status, name);
  if (options_.flush == Flush::full) start_write_back(target.get());
}

STRATA_INLINE void TreeCopier::symlink(int from, int to, std::string const& name, struct stat const& status) {
  std::array<char, PATH_MAX> text;  // the kernel's limit
  ssize_t const n = ::readlinkat(from, name.c_str(), text.data(), text.size() - 1);
  if (n < 0) throw_errno("readlink", from_path(name));
  text[static_cast<std::size_t>(n)] = '\0';
  make(to, name, "symlink", [&] { return ::symlinkat(text.data(), to, name.c_str()); });
  set_owner_and_times(to, name, status);
}

STRATA_INLINE void TreeCopier::node(int to, std::string const& name, struct stat const& status) {
  bool const whiteout = S_ISCHR(status.st_mode) && status.st_rdev == 0;
  bool const device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  if (device && !whiteout && in_userns_) return;  // not permitted in a user namespace
  make(to, name, "mknod",
       [&] { return ::mknodat(to, name.c_str(), (status.st_mode & S_IFMT) | 0600, status.st_rdev); });
  set_owner(to, name, status);  // first, as it clears the set-user-ID bit
  // Setting a mode follows links, and a process in the tree may have replaced the node with one.
  Fd const made = try_open_at(to, name.c_str(), O_PATH | O_NOFOLLOW);
  struct stat now {};
  if (!made || ::fstat(made.get(), &now) != 0) throw_errno("open", to_path(name));
  if ((now.st_mode & S_IFMT) != (status.st_mode & S_IFMT)) {
    errno = ESTALE;
    throw_errno("open", to_path(name));
  }
  if (::chmod(("/proc/self/fd/" + std::to_string(made.get())).c_str(), status.st_mode & 07777) != 0)
    throw_errno("chmod", to_path(name));
  set_times(to, name, status);
}

STRATA_INLINE void TreeCopier::link(std::string const& first, int to, std::string const& name) {
  // Do not follow a directory on the way that was replaced with a link: it could lead anywhere.
  auto const slash = first.rfind('/');
  std::string const base = first.substr(slash == first.npos ? 0 : slash + 1);
  Fd at;
  if (slash != first.npos && slash < PATH_MAX) {
    at = try_open_how(root_.get(), first.substr(0, slash).c_str(), O_PATH | O_DIRECTORY, 0,
                      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (!at) throw_errno("open", to_path(name));
  } else if (slash != first.npos) {  // path longer than PATH_MAX: descend step by step
    std::string_view rest = first;
    for (auto part = rest.find('/'); part != rest.npos; part = rest.find('/')) {
      at = step_into(at ? at.get() : root_.get(), std::string(rest.substr(0, part)));
      if (!at) throw_errno("open", to_path(name));
      rest.remove_prefix(part + 1);
    }
  }
  int const from = at ? at.get() : root_.get();
  make(to, name, "link", [&] { return ::linkat(from, base.c_str(), to, name.c_str(), 0); });
}

STRATA_INLINE FileOwner TreeCopier::owner_of(struct stat const& status) const {
  FileOwner const same{status.st_uid, status.st_gid};
  return options_.owner ? options_.owner(same) : same;
}

STRATA_INLINE void TreeCopier::set_owner(int to, std::string const& name, struct stat const& status) {
  auto const owner = owner_of(status);
  if (::fchownat(to, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
    throw_errno("chown", to_path(name));
}

STRATA_INLINE void TreeCopier::set_owner_and_times(int to, std::string const& name,
                                                   struct stat const& status) {
  set_owner(to, name, status);
  set_times(to, name, status);
}

STRATA_INLINE void TreeCopier::set_times(int to, std::string const& name, struct stat const& status) {
  timespec const times[2] = {status.st_atim, status.st_mtim};
  if (::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) throw_errno("utimens", to_path(name));
}

STRATA_INLINE void TreeCopier::set_attributes(int from, int to, struct stat const& status,
                                              std::string const& name) {
  auto const owner = owner_of(status);
  if (::fchown(to, owner.uid, owner.gid) != 0) throw_errno("chown", to_path(name));
  if (::fchmod(to, status.st_mode & 07777) != 0) throw_errno("chmod", to_path(name));
  char probe[1];  // most files have no attributes: one call, no allocation
  if (ssize_t const n = ::flistxattr(from, probe, 0); n > 0) {
    for (auto const& key : list_xattrs(from, from_path(name)))
      if (options_.keeps_xattr(key))
        if (auto const value = get_xattr(from, key, from_path(name)))
          set_xattr(to, key, *value, to_path(name));
  } else if (n < 0 && errno != EOPNOTSUPP) {
    throw_errno("listxattr", from_path(name));
  }
  timespec const times[2] = {status.st_atim, status.st_mtim};
  if (::futimens(to, times) != 0) throw_errno("utimens", to_path(name));
}

STRATA_INLINE void TreeCopier::report_if_due() {
  if (options_.control.progress && pace_.is_due()) report();
}

STRATA_INLINE void TreeCopier::report() const {
  if (!options_.control.progress) return;
  options_.control.progress({.phase = Phase::copy, .bytes = done_.bytes, .entries = done_.entries});
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE CopyResult copy_tree(fs::path const& from, fs::path const& to, CopyOptions const& options) {
  CopyResult const done = detail::TreeCopier(from, to, options).copy(from, to);
  if (options.flush == Flush::full) flush_tree(to);
  return done;
}

}  // namespace strata::sys
