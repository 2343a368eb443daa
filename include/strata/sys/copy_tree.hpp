#pragma once

#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/sys/copy_file.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/userns.hpp>
#include <strata/sys/xattr.hpp>

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <functional>
#include <linux/openat2.h>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// True for attributes that belong to a file wherever it is: capabilities, user attributes, and overlayfs's
/// opaque mark. Others (labels, other overlayfs attributes) belong to the location.
inline bool is_portable_xattr(std::string_view name) noexcept {
  return name == "security.capability" || name == "trusted.overlay.opaque" || name == "user.overlay.opaque" ||
         (name.starts_with("user.") && !name.starts_with("user.overlay."));
}

inline bool is_any_xattr(std::string_view) noexcept { return true; }

/// User and group of a file, as seen by this process.
struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(FileOwner const&) const = default;
};

/// What to do with a name that exists in the target. Two directories are merged in any case.
enum class Existing {
  refuse,   ///< EEXIST
  replace,  ///< remove it, a directory with its contents
};

/// What to do with a directory that is a mount point.
enum class Mounts { refuse, enter };

/// What to do with a listed name whose lookup fails with ENOENT: it was removed in the meantime, or is a
/// whiteout that hides nothing, which overlayfs lists.
enum class Vanished { fail, pass };

/// Order within a directory: the file system's, which is the fastest, or by the bytes of the names, so that a
/// failing copy stops at the same place each time.
enum class Order { any, by_name };

/// Options of `copy_tree`.
struct CopyOptions {
  Flush flush = Flush::none;  ///< `full`: everything is on stable storage on return
  Control control = {};
  bool (*keeps_xattr)(std::string_view) noexcept = is_portable_xattr;  ///< which extended attributes to copy
  Existing existing = Existing::refuse;
  Mounts mounts = Mounts::refuse;
  Vanished vanished = Vanished::fail;
  Order order = Order::any;
  std::function<FileOwner(FileOwner)> owner = {};  ///< maps owners; empty: unchanged
};

/// What a copy has processed.
struct CopyResult {
  std::uint64_t entries = 0;  ///< without the top directory
  std::uint64_t bytes = 0;    ///< of regular files, each inode once, without holes
};

namespace detail {

class TreeCopier {
 public:
  TreeCopier(fs::path const& from, fs::path const& to, CopyOptions const& options)
      : options_(options), from_(from), to_(to) {}
  /// The options must outlive the copier.
  TreeCopier(fs::path const& from, fs::path const& to, CopyOptions&&) = delete;

  CopyResult copy(fs::path const& from, fs::path const& to) {
    Fd source = open_at(AT_FDCWD, from, O_RDONLY | O_DIRECTORY);
    if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("mkdir", to);
    return copy(std::move(source), open_at(AT_FDCWD, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), Top::copied);
  }

  /// Whether the top directory of the copy takes the source's attributes or keeps its own.
  enum class Top { copied, kept };

  CopyResult copy(Fd source, Fd target, Top top) {
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

  /// Copies one file that is not a directory.
  /// @param from open for reading if it is a regular file, else with O_PATH
  /// @param parent directory in which the copy gets `name`
  CopyResult copy_file(Fd const& from, Fd const& parent, std::string const& name) {
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

 private:
  struct Source {
    Entries inside = {};
    struct stat status {};
  };

  void enter(Fd source, Fd target, std::string const& name) {
    Source level;
    if (::fstat(source.get(), &level.status) != 0) throw_errno("stat", from_path(name));
    level.inside.entries = read_directory(source.get(), from_path(name));
    if (options_.order == Order::by_name) std::ranges::sort(level.inside.entries, {}, &DirectoryEntry::name);
    from_.enter(std::move(source), name, std::move(level));
    to_.enter(std::move(target), name, {});
  }

  void entry(std::string const name) {
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

  void directory(int from, int to, std::string const& name, struct stat const& status) {
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

  Fd step_into(int parent, std::string const& name) const {
    return options_.mounts == Mounts::refuse
               ? try_enter(parent, name.c_str())
               : try_open_at(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  Fd open_file(int from, std::string const& name, struct stat& status) const {
    // O_NOATIME keeps the source unchanged; only its owner and root may use it.
    Fd source = try_open_at(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
    if (!source && errno == EPERM)
      source = try_open_at(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!source || ::fstat(source.get(), &status) != 0) throw_errno("open", from_path(name));
    if (!S_ISREG(status.st_mode)) {
      errno = ESTALE;  // it was a regular file a moment ago
      throw_errno("open", from_path(name));
    }
    return source;
  }

  void file(Fd const& source, struct stat const& status, int to, std::string const& name) {
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

  /// Calls `create`, after removing an existing name if `Existing::replace` allows it.
  template <class Create>
  int make(int to, std::string const& name, std::string_view call, Create create) {
    int made = retry(create);
    if (made < 0 && errno == EEXIST && options_.existing == Existing::replace) {
      if (::unlinkat(to, name.c_str(), 0) != 0) {
        if (errno != EISDIR) throw_errno("unlink", to_path(name));
        remove_tree("/proc/self/fd/" + std::to_string(to) + '/' + name);
      }
      made = retry(create);
    }
    if (made < 0) throw_errno(call, to_path(name));
    return made;
  }

  void symlink(int from, int to, std::string const& name, struct stat const& status) {
    std::array<char, PATH_MAX> text;  // the kernel's limit
    ssize_t const n = ::readlinkat(from, name.c_str(), text.data(), text.size() - 1);
    if (n < 0) throw_errno("readlink", from_path(name));
    text[static_cast<std::size_t>(n)] = '\0';
    make(to, name, "symlink", [&] { return ::symlinkat(text.data(), to, name.c_str()); });
    set_owner_and_times(to, name, status);
  }

  void node(int to, std::string const& name, struct stat const& status) {
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

  void link(std::string const& first, int to, std::string const& name) {
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

  FileOwner owner_of(struct stat const& status) const {
    FileOwner const same{status.st_uid, status.st_gid};
    return options_.owner ? options_.owner(same) : same;
  }

  void set_owner(int to, std::string const& name, struct stat const& status) {
    auto const owner = owner_of(status);
    if (::fchownat(to, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
      throw_errno("chown", to_path(name));
  }

  void set_owner_and_times(int to, std::string const& name, struct stat const& status) {
    set_owner(to, name, status);
    set_times(to, name, status);
  }

  void set_times(int to, std::string const& name, struct stat const& status) {
    timespec const times[2] = {status.st_atim, status.st_mtim};
    if (::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) throw_errno("utimens", to_path(name));
  }

  /// Sets the attributes of an open file or directory: the owner first, as a change clears set-user-ID bits
  /// and capabilities; the times last.
  void set_attributes(int from, int to, struct stat const& status, std::string const& name) {
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

  void report_if_due() {
    if (options_.control.progress && pace_.is_due()) report();
  }
  void report() const {
    if (!options_.control.progress) return;
    options_.control.progress({.phase = Phase::copy, .bytes = done_.bytes, .entries = done_.entries});
  }

  fs::path from_path(std::string const& name) const { return from_.path(name); }
  fs::path to_path(std::string const& name) const { return to_.path(name); }

  CopyOptions const& options_;
  Descent<Source> from_;
  Descent<Nothing> to_;
  Fd root_;  // of the copy; base for hard links
  struct stat root_status_ {};
  bool const in_userns_ = in_user_namespace();
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  FileCopier copier_;
  CopyResult done_;
  Pace pace_;
};

}  // namespace detail

/// Copies a directory with its contents: data (sharing blocks where the file system can), hard links within
/// the tree, owners, modes, times in nanoseconds, the attributes that `keeps_xattr` selects, symbolic links,
/// devices, FIFOs and sockets. Requires the necessary privileges. Nothing is omitted, except devices in a
/// user namespace, which cannot be created there.
///
/// @param to created, or merged into if it is a directory: existing directories are kept and take the
///   attributes of those in `from`; see `Existing` for other names
/// @throws `errno`, "<call> <path>"; EXDEV, "open <path>": something is mounted below `from`;
///   `Errc::stopped`. What was copied by then remains, for the caller to remove
inline CopyResult copy_tree(fs::path const& from, fs::path const& to, CopyOptions const& options = {}) {
  CopyResult const done = detail::TreeCopier(from, to, options).copy(from, to);
  if (options.flush == Flush::full) flush_tree(to);
  return done;
}

}  // namespace strata::sys
