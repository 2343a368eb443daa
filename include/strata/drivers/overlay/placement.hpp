#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/drivers/overlay/staged.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/project_quota.hpp>
#include <strata/sys/staging_directory.hpp>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <stdio.h>
#include <string>

/// Moves a layer's directory into its home and out of it, by one rename each.
namespace strata::drivers::overlay {

/// Publishes a staged layer. Its directory is complete when it gets its name; a crash right after that leaves
/// it without its entry in `l/`, and without a record.
/// @param limits  for a writable layer; zeros: none
/// @throws `Errc::duplicate_id`; `Errc::invalid_id` for the few names that have another meaning in the home;
///   `errno`: nothing has changed
inline void put_in_place(LayerDirs const& dirs, LayerId const& id, StagedLayer& staged,
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

/// Exchanges the trees of a layer and a staged one.
/// @throws `errno`, "rename <path>": nothing has changed
inline void exchange_trees(fs::path const& layer, StagedLayer& staged) {
  staged.finish();
  join_project(layer, staged.diff());
  auto const diff = layer / paths::overlay::diff;
  if (::renameat2(AT_FDCWD, staged.diff().c_str(), AT_FDCWD, diff.c_str(), RENAME_EXCHANGE) != 0)
    sys::throw_busy("rename", diff);
}

/// Moves a layer's directory and its entry of `l/` into a staging directory, which removes them when
/// destroyed.
/// @return  none if there is no such layer
inline std::optional<sys::StagingDirectory> take_away(LayerDirs const& dirs, LayerId const& id) {
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
