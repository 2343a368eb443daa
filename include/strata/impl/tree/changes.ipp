#pragma once

#include <strata/idmap/range.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/tree/changes.hpp>
#include <strata/tree/tree_entry.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE bool same_time(timespec const& a, timespec const& b) noexcept {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

STRATA_INLINE bool same_owner(struct stat const& newer, struct stat const& older,
                              DiffMaps const& maps) noexcept {
  auto const inside = [](IdMap const& map, std::int64_t id) {
    return idmap::to_container(map, id).value_or(id);
  };
  return inside(maps.newer.uids, newer.st_uid) == inside(maps.older.uids, older.st_uid) &&
         inside(maps.newer.gids, newer.st_gid) == inside(maps.older.gids, older.st_gid);
}

STRATA_INLINE bool same_status(struct stat const& a, struct stat const& b) noexcept {
  return a.st_mode == b.st_mode && a.st_rdev == b.st_rdev &&
         (S_ISDIR(a.st_mode) || (same_time(a.st_mtim, b.st_mtim) && a.st_size == b.st_size));
}

STRATA_INLINE TreeComparison::TreeComparison(fs::path newer, std::optional<fs::path> older, DiffMaps maps)
    : newer_(std::move(newer)),
      older_(older ? *older : fs::path()),
      has_older_(older.has_value()),
      maps_(std::move(maps)) {}

STRATA_INLINE std::vector<Change> TreeComparison::run() && {
  sys::Fd newer = sys::open_at(AT_FDCWD, newer_.path(), O_RDONLY | O_DIRECTORY);
  sys::Fd older;
  if (has_older_) older = sys::open_at(AT_FDCWD, older_.path(), O_RDONLY | O_DIRECTORY);
  enter(std::move(newer), std::move(older), {}, true);
  while (!newer_.empty()) {
    if (auto& level = newer_.here().extra; level.next < level.names.size())
      compare(level, level.names[level.next++]);
    else
      leave();
  }
  std::sort(changes_.begin(), changes_.end(), [](auto const& a, auto const& b) { return a.path < b.path; });
  return std::move(changes_);
}

STRATA_INLINE void TreeComparison::enter(sys::Fd newer, sys::Fd older, std::string const& name, bool told) {
  Level level{.changes_before = changes_.size(), .told = told, .has_older = static_cast<bool>(older)};
  for (auto& entry : sys::read_directory(newer.get(), newer_.path(name)))
    level.names.push_back(std::move(entry.name));
  if (older) {
    for (auto& entry : sys::read_directory(older.get(), older_.path(name)))
      level.old_names.insert(std::move(entry.name));
    older_.enter(std::move(older), name, {});
  }
  newer_.enter(std::move(newer), name, std::move(level));
}

STRATA_INLINE void TreeComparison::leave() {
  auto const& level = newer_.here().extra;
  for (auto const& name : level.old_names)
    if (struct stat was{}; stat_old(name, was)) tell(name, ChangeKind::remove);
  if (!level.told && changes_.size() > level.changes_before) tell({}, ChangeKind::modify);
  if (level.has_older) older_.leave();
  newer_.leave();
}

STRATA_INLINE bool TreeComparison::stat_old(std::string const& name, struct stat& status) const {
  if (::fstatat(older_.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) sys::throw_errno("stat", older_.path(name));
  return false;
}

STRATA_INLINE void TreeComparison::tell(std::string_view name, ChangeKind kind) {
  changes_.push_back({'/' + newer_.relative(name), kind});
}

STRATA_INLINE void TreeComparison::compare(Level& level, std::string const& entry_name) {
  // Entering a directory moves the level. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  std::string const name = entry_name;
  struct stat now {};
  if (::fstatat(newer_.fd(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;  // removed since the directory was read
    sys::throw_errno("stat", newer_.path(name));
  }
  std::optional<struct stat> was;
  if (level.has_older && level.old_names.erase(name) != 0) {
    was.emplace();
    if (!stat_old(name, *was)) was.reset();
    if (was && was->st_dev == now.st_dev && was->st_ino == now.st_ino) return;
  }
  bool const differs =
      !was || !same_status(now, *was) || !same_owner(now, *was, maps_) || !same_contents(name, now);
  if (differs) tell(name, was ? ChangeKind::modify : ChangeKind::add);
  if (!S_ISDIR(now.st_mode)) return;
  sys::Fd newer = sys::try_enter(newer_.fd(), name.c_str());
  if (!newer) {
    if (errno == EXDEV || errno == ENOENT || errno == ENOTDIR) return;
    sys::throw_errno("open", newer_.path(name));
  }
  sys::Fd older;
  if (was && S_ISDIR(was->st_mode)) {
    older = sys::try_enter(older_.fd(), name.c_str());
    // Otherwise everything in the older directory would seem new.
    if (!older && errno != EXDEV && sys::is_transient(errno)) sys::throw_errno("open", older_.path(name));
  }
  enter(std::move(newer), std::move(older), name, differs);
}

STRATA_INLINE fs::path TreeComparison::target(std::string const& link) {
  boost::system::error_code error;
  auto found = fs::read_symlink(link, error);
  sys::throw_if(error, "readlink", link);
  return found;
}

STRATA_INLINE bool TreeComparison::same_contents(std::string const& name, struct stat const& status) const {
  std::string const now = "/proc/self/fd/" + std::to_string(newer_.fd()) + '/' + name;
  std::string const was = "/proc/self/fd/" + std::to_string(older_.fd()) + '/' + name;
  if (S_ISLNK(status.st_mode)) return target(now) == target(was);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return true;
  return layer_xattrs(fs::path(now)) == layer_xattrs(fs::path(was));
}

STRATA_INLINE std::vector<Change> compare_trees(fs::path const& newer, std::optional<fs::path> const& older,
                                                DiffMaps const& maps) {
  return TreeComparison(newer, older, maps).run();
}

STRATA_INLINE void write_changes(fs::path const& newer, std::vector<Change> const& changes, TarWriter& to,
                                 Control const& control, IdMaps const& maps) {
  sys::Fd const root = sys::open_at(AT_FDCWD, newer, O_PATH | O_DIRECTORY);
  TreeEntryWriter writer(root.get(), to, control, maps);
  for (auto const& change : changes) {
    if (change.kind == ChangeKind::remove)
      writer.add_whiteout(change.path.substr(1));
    else
      writer.add(change.path.substr(1));
  }
}

STRATA_INLINE std::int64_t changed_bytes(fs::path const& newer, std::vector<Change> const& changes) {
  sys::Fd const root = sys::open_at(AT_FDCWD, newer, O_PATH | O_DIRECTORY);
  std::set<std::pair<dev_t, ino_t>> seen;
  std::int64_t bytes = 0;
  for (auto const& change : changes) {
    if (change.kind == ChangeKind::remove) continue;
    auto const status = sys::find_status(root.get(), change.path.c_str() + 1);
    if (!status || S_ISDIR(status->st_mode) ||
        (status->st_nlink > 1 && !seen.emplace(status->st_dev, status->st_ino).second))
      continue;
    bytes += status->st_size;
  }
  return bytes;
}

}  // namespace strata::archive
