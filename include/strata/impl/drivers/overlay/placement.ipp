#pragma once

#include <strata/drivers/overlay/placement.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/paths.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE void put_in_place(LayerDirs const& dirs, LayerId const& id, StagedLayer& staged,
                                sys::ProjectLimits const& limits) {
  if (is_reserved(id.str()) || id.str().find(':') != std::string::npos)
    throw Error(Errc::invalid_id, "\"" + id.str() + "\" for an overlay layer");
  if (sys::is_present(dirs.own(id.str()))) throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
  staged.finish();
  staged.settle_parent(dirs);
  auto const own = staged.home() / id.str();
  if (::renameat2(AT_FDCWD, staged.layer().c_str(), AT_FDCWD, own.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
    sys::throw_busy("rename", own);
  }
  try {
    if (staged.writable() && (limits.bytes != 0 || limits.inodes != 0)) limit_layer(dirs.home(), own, limits);
    dirs.make_link(staged.link(), id.str());
  } catch (Error const&) {
    ::rename(own.c_str(), staged.layer().c_str());
    throw;
  }
  if (!staged.additional().empty()) AdditionalTree::announce(staged.additional());
}

STRATA_INLINE void exchange_trees(fs::path const& layer, StagedLayer& staged) {
  staged.finish();
  join_project(layer, staged.diff());
  auto const diff = layer / paths::overlay::diff;
  if (::renameat2(AT_FDCWD, staged.diff().c_str(), AT_FDCWD, diff.c_str(), RENAME_EXCHANGE) != 0)
    sys::throw_busy("rename", diff);
}

STRATA_INLINE std::optional<sys::StagingDirectory> take_away(LayerDirs const& dirs, LayerId const& id) {
  auto const layer = dirs.own(id.str());
  if (is_reserved(id.str()) || !holds_directory(layer)) return std::nullopt;
  auto const home = layer.parent_path();
  auto staging = sys::StagingDirectory::create(home / paths::overlay::temp_dirs);
  auto const link = sys::read_stored(layer / paths::overlay::link);
  if (link && is_safe_component(*link)) staging.take(home / paths::overlay::links / *link);
  auto const additional = sys::read_stored(layer / paths::overlay::additional_layer);
  staging.take(layer);
  if (additional) AdditionalTree::give_back(*additional);
  return staging;
}

}  // namespace strata::drivers::overlay
