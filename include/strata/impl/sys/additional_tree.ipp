#pragma once

#include <strata/sys/additional_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

namespace strata {

STRATA_INLINE AdditionalTree& AdditionalTree::operator=(AdditionalTree&& other) noexcept {
  if (this != &other) {
    give_back(path_);
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

STRATA_INLINE bool AdditionalTree::is_whole(fs::path const& path) {
  for (auto const name : {paths::layer_store::diff, paths::layer_store::info, paths::layer_store::blob})
    if (!sys::find_status(path / name, 0)) return false;
  return true;
}

STRATA_INLINE void AdditionalTree::announce(fs::path const& path) noexcept {
  if (!path.is_absolute()) return;
  auto const use = path / paths::layer_store::use;
  if (sys::try_open_at(AT_FDCWD, use.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600)) ::unlink(use.c_str());
}

STRATA_INLINE void AdditionalTree::give_back(fs::path const& path) noexcept {
  if (path.is_absolute()) ::rmdir(path.c_str());
}

}  // namespace strata
