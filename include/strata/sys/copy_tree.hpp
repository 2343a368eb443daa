#pragma once

#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
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
bool is_portable_xattr(std::string_view name) noexcept;

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

  CopyResult copy(fs::path const& from, fs::path const& to);

  /// Whether the top directory of the copy takes the source's attributes or keeps its own.
  enum class Top { copied, kept };

  CopyResult copy(Fd source, Fd target, Top top);

  /// Copies one file that is not a directory.
  /// @param from open for reading if it is a regular file, else with O_PATH
  /// @param parent directory in which the copy gets `name`
  CopyResult copy_file(Fd const& from, Fd const& parent, std::string const& name);

 private:
  struct Source {
    Entries inside = {};
    struct stat status {};
  };

  void enter(Fd source, Fd target, std::string const& name);

  void entry(std::string const name);

  void directory(int from, int to, std::string const& name, struct stat const& status);

  Fd step_into(int parent, std::string const& name) const;

  Fd open_file(int from, std::string const& name, struct stat& status) const;

  void file(Fd const& source, struct stat const& status, int to, std::string const& name);

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

  void symlink(int from, int to, std::string const& name, struct stat const& status);

  void node(int to, std::string const& name, struct stat const& status);

  void link(std::string const& first, int to, std::string const& name);

  FileOwner owner_of(struct stat const& status) const;

  void set_owner(int to, std::string const& name, struct stat const& status);

  void set_owner_and_times(int to, std::string const& name, struct stat const& status);

  void set_times(int to, std::string const& name, struct stat const& status);

  /// Sets the attributes of an open file or directory: the owner first, as a change clears set-user-ID bits
  /// and capabilities; the times last.
  void set_attributes(int from, int to, struct stat const& status, std::string const& name);

  void report_if_due();
  void report() const;

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
CopyResult copy_tree(fs::path const& from, fs::path const& to, CopyOptions const& options = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/copy_tree.ipp>
#endif
