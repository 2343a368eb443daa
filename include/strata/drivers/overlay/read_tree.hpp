#pragma once

#include <strata/concepts/read_driver.hpp>
#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/drivers/overlay/plain_trees.hpp>
#include <strata/drivers/overlay/private_mount.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_tree.hpp>
#include <strata/tree/mounted_tree.hpp>

#include <utility>

namespace strata::drivers::overlay {

/// The files of a layer, merged from its directory and those below it, or, if these do not show by themselves
/// what a mount would, through a private mount.
/// @throws `Errc::layer_unknown`, `Errc::parent_unknown`, as `mount_privately`
inline LayerTree read_tree(MountPlaces const& places, Mounter const& mounter, LayerId const& id,
                           ReadMaps const& maps) {
  auto const layer = places.dirs.get(id.str());
  if (has_plain_trees(places.dirs, mounter, layer)) {
    auto trees = places.dirs.trees_below(layer);
    trees.insert(trees.begin(), layer / paths::overlay::diff);
    return LayerTree(archive::MergedTree(trees, maps.own(), maps.stored));
  }
  auto staging = sys::StagingDirectory::create(places.private_mounts());
  auto const path = mount_privately(places, mounter, staging, id, maps.container);
  return LayerTree(archive::MountedTree(std::move(staging), path, maps.own()));
}

}  // namespace strata::drivers::overlay
