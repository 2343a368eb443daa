#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// True if the times are equal; only the seconds count if one of them has whole seconds.
bool same_time(timespec const& a, timespec const& b) noexcept;

/// True if two files have the same owner, each mapped to container ids by its layer's maps. An id that the
/// maps lack is used as it is.
bool same_owner(struct stat const& newer, struct stat const& older, DiffMaps const& maps) noexcept;

/// True if two files agree in what `stat` reports, except for the owner. Contents are not compared, as a
/// change sets the mtime. Size and mtime of directories are ignored: they only show that entries were added
/// or removed.
bool same_status(struct stat const& a, struct stat const& b) noexcept;

/// Compares two complete trees (the "naive diff" of containers/storage).
///
/// A path differs if its type, mode, owner, device number, link target, security.capability or a user.*
/// attribute differs or, except for directories, its mtime or size. The same inode in both trees is equal.
/// Both trees are read once, one directory of each at a time; links are not followed and mounts not entered.
class TreeComparison {
 public:
  /// @param older empty: everything is new
  TreeComparison(fs::path newer, std::optional<fs::path> older, DiffMaps maps = {});

  /// The changes, sorted by the bytes of the path, so a directory precedes its contents. Of a removed
  /// directory only the directory itself is listed; a directory with changes below counts as modified, except
  /// the root.
  /// @throws `errno`, "open <path>", "stat <path>" and others
  std::vector<Change> run() &&;

 private:
  struct Level {
    std::vector<std::string> names = {};
    std::set<std::string, std::less<>> old_names = {};  ///< names not yet seen in the newer tree
    std::size_t next = 0;
    std::size_t changes_before = 0;
    bool told = false;  ///< the directory itself is in the list of changes
    bool has_older = false;
  };

  void enter(sys::Fd newer, sys::Fd older, std::string const& name, bool told);

  void leave();

  /// False for a listed name that does not exist: overlayfs lists a whiteout that hides nothing.
  bool stat_old(std::string const& name, struct stat& status) const;

  void tell(std::string_view name, ChangeKind kind);

  void compare(Level& level, std::string const& entry_name);

  static fs::path target(std::string const& link);

  /// Compares what `stat` does not report, for two files of the same type.
  bool same_contents(std::string const& name, struct stat const& status) const;

  sys::Descent<Level> newer_;
  sys::Descent<sys::Nothing> older_;
  bool has_older_;
  DiffMaps maps_;
  std::vector<Change> changes_ = {};
};

/// The differences between two trees; see `TreeComparison`.
///
///     for (auto const& change : archive::compare_trees(newer, older)) std::cout << change << '\n';
std::vector<Change> compare_trees(fs::path const& newer, std::optional<fs::path> const& older,
                                  DiffMaps const& maps = {});

/// Writes changes as archive entries, removals as whiteouts. Does not finish the archive.
/// @param maps of the newer tree
void write_changes(fs::path const& newer, std::vector<Change> const& changes, TarWriter& to,
                   Control const& control, IdMaps const& maps = {});

/// Sum of the sizes of added and modified files, without directories, each inode once.
std::int64_t changed_bytes(fs::path const& newer, std::vector<Change> const& changes);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/changes.ipp>
#endif
