#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/drivers/overlay/diff.hpp>
#include <strata/drivers/overlay/diff_walk.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/tree.hpp>
#include <strata/tree/changes.hpp>
#include <strata/tree/tree_entry.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace strata::drivers::overlay::detail {

STRATA_INLINE bool same_directory(struct stat const& a, struct stat const& b) noexcept {
  return S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode) && a.st_mode == b.st_mode && a.st_size == b.st_size &&
         archive::same_time(a.st_mtim, b.st_mtim);
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE std::vector<Change> native_changes(fs::path const& tree, std::vector<fs::path> lowers) {
  std::vector<Change> changes;
  std::set<std::string> listed;  // directories
  bool in_order = true;
  DiffWalk(tree, std::move(lowers)).run([&](DiffEntry const& entry) {
    Change change{.path = '/' + entry.path, .kind = ChangeKind::add};
    if (entry.is_whiteout() || (entry.opaque && entry.below)) {
      change.kind = ChangeKind::remove;
    } else if (entry.below) {
      if (detail::same_directory(entry.status, *entry.below)) return;
      change.kind = ChangeKind::modify;
    }
    if (change.kind != ChangeKind::modify) {
      std::vector<std::string> above;  // those not yet listed, nearest first
      for (auto at = change.path.rfind('/'); at != 0; at = change.path.rfind('/', at - 1))
        if (auto parent = change.path.substr(0, at); listed.insert(parent).second)
          above.push_back(std::move(parent));
      for (auto parent = above.rbegin(); parent != above.rend(); ++parent) {
        // The directory itself is unchanged, and some of its entries may have been listed before it.
        in_order = in_order && (changes.empty() || !changes.back().path.starts_with(*parent + '/'));
        changes.push_back({.path = std::move(*parent), .kind = ChangeKind::modify});
      }
    }
    if (entry.is_directory()) listed.insert(change.path);
    changes.push_back(std::move(change));
  });
  if (!in_order)
    std::sort(changes.begin(), changes.end(), [](Change const& a, Change const& b) {
      auto const rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
      return std::lexicographical_compare(a.path.begin(), a.path.end(), b.path.begin(), b.path.end(),
                                          [&](char x, char y) { return rank(x) < rank(y); });
    });
  return changes;
}

STRATA_INLINE void native_diff(fs::path const& tree, std::vector<fs::path> lowers, archive::TarWriter& to,
                               Control const& control, IdMaps const& maps) {
  auto const root = sys::open_at(AT_FDCWD, tree, O_PATH | O_DIRECTORY);
  archive::TreeEntryWriter entries(root.get(), to, control, maps, archive::OverlayXattr::here().metacopy());
  std::map<std::pair<dev_t, ino_t>, std::string> whiteouts;
  DiffWalk(tree, std::move(lowers)).run([&](DiffEntry const& entry) {
    auto const& status = entry.status;
    archive::TarHeader sign{.uid = status.st_uid, .gid = status.st_gid};
    if (entry.is_whiteout()) {
      sign.name = archive::whiteout_path(entry.path);
      sign.mtime.seconds = status.st_mtim.tv_sec;
      // The kernel makes whiteouts as links of one inode; containers/storage writes the others as links to
      // the first.
      if (status.st_nlink > 1) {
        auto const [known, first] = whiteouts.try_emplace({status.st_dev, status.st_ino}, sign.name);
        if (!first) sign.link_name = known->second;
      }
      to.add(sign);
      return;
    }
    if (!entries.add(entry.path) || !entry.opaque || !entry.below) return;
    sign.name = entry.path + '/' + std::string(archive::whiteout_opaque);
    sign.mode = status.st_mode & 0777U;
    to.add(sign);
  });
}

STRATA_INLINE std::int64_t native_size(fs::path const& tree) {
  std::int64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  sys::walk(tree, [&](sys::Visited const& visited) {
    auto const& status = visited.status;
    if (S_ISDIR(status.st_mode)) return;
    if (status.st_nlink > 1 && !seen.emplace(status.st_dev, status.st_ino).second) return;
    bytes += status.st_size;
  });
  return bytes;
}

}  // namespace strata::drivers::overlay
