#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/stream.hpp>
#include <strata/tree/merged_tree.hpp>
#include <strata/tree/override_stat.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_entry.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE auto MergedTree::try_open(std::string_view path) const -> Handle {
  auto at = open_root();
  for (std::size_t from = 0; from < path.size();) {
    auto const end = std::min(path.find('/', from), path.size());
    std::string const name(path.substr(from, end - from));
    at = name.empty() || name == "." || name == ".." ? nullptr : enter(at.get(), name, path);
    errno = ENOENT;
    if (!at || at->roots.empty()) return nullptr;
    from = end + 1;
  }
  return at;
}

STRATA_INLINE auto MergedTree::open(std::string_view path) const -> Handle {
  auto at = try_open(path);
  if (!at) sys::throw_errno("open", path);
  return at;
}

STRATA_INLINE auto MergedTree::enter(Ref directory, std::string const& name, std::string_view) const
    -> Handle {
  auto path = join(directory->path, name);
  auto found = directories_.find(directory->roots, path);
  if (!found.is_directory()) found.roots.clear();
  check_whole(found, path);
  return std::make_shared<Directory>(Directory{std::move(path), std::move(found.roots)});
}

STRATA_INLINE std::optional<struct stat> MergedTree::look(Ref directory, std::string const& name,
                                                          std::string_view) const {
  auto const found = directories_.find(directory->roots, join(directory->path, name));
  return found ? std::optional(found.status) : std::nullopt;
}

STRATA_INLINE std::string MergedTree::read_link(Ref directory, std::string const& name,
                                                std::string_view) const {
  auto const path = join(directory->path, name);
  auto const found = directories_.find(directory->roots, path);
  return found ? directories_.link(found.roots.front(), path) : std::string();
}

STRATA_INLINE std::vector<std::string> MergedTree::names(Ref directory, std::string_view) const {
  return directories_.names(directory->roots, directory->path);
}

STRATA_INLINE std::optional<TarHeader> MergedTree::header(Ref directory, std::string const& name,
                                                          std::string_view) const {
  auto const path = join(directory->path, name);
  auto const found = directories_.find(directory->roots, path);
  auto header = found ? header_of(found.status) : std::nullopt;
  if (!header) return std::nullopt;
  if (header->type == EntryType::symlink) header->link_name = directories_.link(found.roots.front(), path);
  if (stand_ins_ && (header->type == EntryType::regular || header->type == EntryType::directory))
    tell_real(*header, found.roots.front(), path);
  auto const& maps = found.roots.front() == 0 ? own_maps_ : maps_;
  header->uid = container_id(maps.uids, header->uid);
  header->gid = container_id(maps.gids, header->gid);
  return header;
}

STRATA_INLINE Source MergedTree::contents(Ref directory, std::string const& name, std::string_view) const {
  auto const path = join(directory->path, name);
  auto const found = directories_.find(directory->roots, path);
  if (!found || !S_ISREG(found.status.st_mode)) return {};
  check_whole(found, path);
  auto file = directories_.open(found.roots.front(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  return file && S_ISREG(sys::status_of(file.get(), path).st_mode) ? fd_source(std::move(file)) : Source();
}

STRATA_INLINE MergedTree::MergedTree(std::vector<fs::path> const& directories, IdMaps own_maps, IdMaps maps,
                                     bool has_whiteouts)
    : directories_(directories, has_whiteouts), own_maps_(std::move(own_maps)), maps_(std::move(maps)) {
  for (auto const& path : directories)
    stand_ins_ = stand_ins_ || sys::get_xattr(path, override_stat_xattr).has_value();
}

STRATA_INLINE std::int64_t MergedTree::container_id(IdMap const& map, std::int64_t id) {
  constexpr std::int64_t nobody = 65534;
  return idmap::to_container(map, id).value_or(id == 0 ? 0 : nobody);
}

STRATA_INLINE void MergedTree::check_whole(MergedDirectories::Found const& found,
                                           std::string const& path) const {
  if (directories_.is_redirected(found, path)) refuse_redirected(path);
}

STRATA_INLINE void MergedTree::tell_real(TarHeader& header, std::size_t root, std::string const& path) const {
  auto const file = directories_.open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return;
  if (auto const text = sys::get_xattr(file.get(), override_stat_xattr, path))
    apply_override_stat(*text, header);
}

}  // namespace strata::archive
