#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/tree/merged_directories.hpp>

#include <set>

namespace strata::archive {

STRATA_INLINE MergedDirectories::MergedDirectories(std::vector<fs::path> const& uppermost_first,
                                                   bool has_whiteouts)
    : has_whiteouts_(has_whiteouts) {
  for (auto const& path : uppermost_first)
    roots_.push_back(sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
}

STRATA_INLINE std::vector<std::size_t> MergedDirectories::all() const {
  std::vector<std::size_t> roots(roots_.size());
  std::iota(roots.begin(), roots.end(), std::size_t{0});
  return roots;
}

STRATA_INLINE auto MergedDirectories::find(std::vector<std::size_t> const& visible,
                                           std::string const& path) const -> Found {
  Found found;
  for (auto const index : visible) {
    struct stat status {};
    if (!look(index, path, status)) continue;
    if (has_whiteouts_ && is_overlay_whiteout(status)) break;
    if (!found) found.status = status;
    if (!S_ISDIR(status.st_mode)) {
      if (!found) found.roots.push_back(index);
      break;
    }
    found.roots.push_back(index);
    if (has_whiteouts_ && is_opaque(index, path)) break;
  }
  return found;
}

STRATA_INLINE bool MergedDirectories::is_redirected(Found const& found, std::string const& path) const {
  if (!has_whiteouts_) return false;
  auto const names = OverlayXattr::here();
  auto const* const mark = found.is_directory() ? names.redirect() : names.metacopy();
  return std::ranges::any_of(found.roots, [&](std::size_t root) {
    auto const fd = open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return fd && sys::get_xattr(fd.get(), mark, path).has_value();
  });
}

STRATA_INLINE std::vector<std::string> MergedDirectories::names(std::vector<std::size_t> const& visible,
                                                                std::string const& path) const {
  std::set<std::string> names;
  for (auto const index : visible) {
    auto const fd = open(index, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
    if (!fd) continue;
    for (auto& entry : sys::read_directory(fd.get(), path)) names.insert(std::move(entry.name));
  }
  return {names.begin(), names.end()};
}

STRATA_INLINE std::string MergedDirectories::link(std::size_t root, std::string const& path) const {
  auto const node = open(root, path, O_PATH | O_NOFOLLOW);
  std::string target(4096, '\0');
  auto const size = node ? ::readlinkat(node.get(), "", target.data(), target.size()) : -1;
  if (size < 0 && errno != EINVAL && !sys::is_absent(errno)) sys::throw_errno("readlink", path);
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

STRATA_INLINE sys::Fd MergedDirectories::open(std::size_t root, std::string const& path, int flags) const {
  sys::Fd fd =
      sys::try_open_how(roots_[root].get(), path.c_str(), flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (!fd && !sys::is_absent(errno) && errno != EXDEV) sys::throw_errno("open", path);
  return fd;
}

STRATA_INLINE bool MergedDirectories::look(std::size_t root, std::string const& path,
                                           struct stat& status) const {
  auto const node = open(root, path, O_PATH | O_NOFOLLOW);
  if (!node) return false;
  status = sys::status_of(node.get(), path);
  return true;
}

STRATA_INLINE bool MergedDirectories::is_opaque(std::size_t root, std::string const& path) const {
  sys::Fd const fd = open(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return false;
  char value = 0;
  auto const size = ::fgetxattr(fd.get(), OverlayXattr::here().opaque(), &value, 1);
  if (size < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE) sys::throw_errno("getxattr", path);
  return size == 1 && value == 'y';
}

}  // namespace strata::archive
