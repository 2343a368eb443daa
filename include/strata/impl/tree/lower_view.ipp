#pragma once

#include <strata/tree/lower_view.hpp>

namespace strata::archive {

STRATA_INLINE Below LowerTrees::at(std::string_view path) const {
  if (!open()) return Below::directory;
  if (path.empty()) return Below::directory;
  auto const seen = find(path);
  return !seen ? Below::nothing : seen.is_directory() ? Below::directory : Below::other;
}

STRATA_INLINE std::optional<std::string> LowerTrees::link_at(std::string_view path) const {
  if (path.empty() || !open()) return std::nullopt;
  auto const seen = find(path);
  if (!seen || !S_ISLNK(seen.status.st_mode)) return std::nullopt;
  return trees_->link(seen.roots.front(), std::string(path));
}

STRATA_INLINE std::vector<std::string> LowerTrees::root_names() const {
  std::vector<std::string> names;
  if (!open()) return names;
  for (auto& name : trees_->names(trees_->all(), {}))
    if (trees_->find(trees_->all(), name)) names.push_back(std::move(name));
  return names;
}

STRATA_INLINE MergedDirectories::Found LowerTrees::find(std::string_view path) const {
  MergedDirectories::Found found{.roots = trees_->all()};
  for (std::size_t end = 0; end != path.size() && found;) {
    end = std::min(path.find('/', end == 0 ? 0 : end + 1), path.size());
    found = trees_->find(found.roots, std::string(path.substr(0, end)));
    if (end != path.size() && !found.is_directory()) return {};
  }
  return found;
}

STRATA_INLINE bool LowerTrees::open() const {
  if (auto const find_now = std::exchange(find_, {}))
    if (auto const trees = find_now()) trees_.emplace(*trees);
  return trees_.has_value();
}

}  // namespace strata::archive
