#pragma once

#include <strata/drivers/overlay/diff_walk.hpp>
#include <strata/sys/lookup.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE bool is_opaque(fs::path const& path, archive::OverlayXattr names) {
  char value = 0;
  auto size = ::lgetxattr(path.c_str(), names.opaque(), &value, 1);
  if (size < 0 && errno == ENAMETOOLONG)
    if (auto const shorter = sys::ShortPath::of(AT_FDCWD, path.c_str()))
      size = ::lgetxattr(shorter.text().c_str(), names.opaque(), &value, 1);
  return size == 1 && value == 'y';
}

STRATA_INLINE void DiffWalk::enter(sys::Fd fd, std::string name, std::vector<std::size_t> visible) {
  Level level{.visible = std::move(visible)};
  for (auto& entry : sys::read_directory(fd.get(), descent_.path(name)))
    level.names.push_back(std::move(entry.name));
  std::sort(level.names.begin(), level.names.end());
  descent_.enter(std::move(fd), std::move(name), std::move(level));
}

STRATA_INLINE std::vector<std::size_t> DiffWalk::look_below(Level const& level, DiffEntry& entry) const {
  std::vector<std::size_t> visible;
  for (auto const index : level.visible) {
    auto const path =
        lowers_[index] / entry.path;  // its parents are known to be directories: no link is followed
    auto const status = sys::find_status(path);
    if (!status) continue;
    if (archive::is_overlay_whiteout(*status)) break;
    if (!entry.below) entry.below = *status;
    if (!S_ISDIR(status->st_mode) || !entry.is_directory()) break;
    visible.push_back(index);
    if (is_opaque(path, marks_)) break;
  }
  return visible;
}

}  // namespace strata::drivers::overlay
