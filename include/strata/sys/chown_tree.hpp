#pragma once

#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// Options of `chown_tree`.
struct ChownOptions {
  std::function<FileOwner(FileOwner)> owner;  ///< maps the old owner to the new one; called concurrently
  /// For an overlay, where each name of a file is copied up separately: re-create the second and later names
  /// as links to the first. Elsewhere the inode is changed once.
  bool relink = false;
  Control control = {};
};

namespace detail {

class TreeChowner {
 public:
  TreeChowner(fs::path const& top, ChownOptions const& options) : top_(top), options_(options) {}

  std::uint64_t run();

 private:
  static constexpr std::size_t most_entries = 64;

  struct Entry {
    std::string name;
    struct stat status {};
  };
  struct Batch {
    std::string parent = {};  ///< relative to the top
    Fd directory = {};
    std::vector<Entry> entries = {};
  };
  struct Links {
    struct stat status {};
    std::vector<std::string> names = {};
  };

  fs::path path(std::string_view below) const { return top_ / below; }

  void change(Batch const& batch);

  /// Changes one owner and restores the set-user-ID bits and capabilities that the change clears.
  template <class Where>
  bool change(int directory, std::string const& name, struct stat const& status, Where const& where) {
    FileOwner const old{status.st_uid, status.st_gid};
    FileOwner const now = options_.owner(old);
    if (now == old) return false;
    auto const proc = "/proc/self/fd/" + std::to_string(directory) + '/' + name;
    std::optional<std::string> capability;
    if (S_ISREG(status.st_mode)) capability = get_xattr(proc, "security.capability");
    if (::fchownat(directory, name.c_str(), now.uid, now.gid, AT_SYMLINK_NOFOLLOW) != 0)
      throw_errno("chown", where());
    if (!S_ISLNK(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0 &&
        ::fchmodat(directory, name.c_str(), status.st_mode & 07777U, 0) != 0)
      throw_errno("chmod", where());
    if (capability) set_xattr(proc, "security.capability", *capability);
    ++changed_;
    return true;
  }

  /// Opens the parent of a path below the top; returns it with the last component.
  std::pair<Fd, std::string> enter(std::string_view below) const;

  void change_links(std::map<std::pair<dev_t, ino_t>, Links>& links, std::size_t threads);

  void change(Links const& group);

  void report_if_due();
  void report() const;

  fs::path const& top_;
  ChownOptions const& options_;
  std::uint64_t met_ = 0;
  std::atomic<std::uint64_t> changed_ = 0;
  Pace pace_;
};

}  // namespace detail

/// Changes the owners of everything in a directory, except its own, on several threads. Preserves modes,
/// capabilities and hard links; does not enter mounts. The tree must not be in use.
/// @return number of files changed, each inode once
/// @throws `errno`, "<call> <path>"; `Errc::stopped`; exceptions of `owner`. Part of the tree is then changed
std::uint64_t chown_tree(fs::path const& top, ChownOptions const& options);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/chown_tree.ipp>
#endif
