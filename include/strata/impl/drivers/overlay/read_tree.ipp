#pragma once

#include <strata/drivers/overlay/plain_trees.hpp>
#include <strata/drivers/overlay/private_mount.hpp>
#include <strata/drivers/overlay/read_tree.hpp>
#include <strata/paths.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/merged_tree.hpp>
#include <strata/tree/mounted_tree.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE LayerTree read_tree(MountPlaces const& places, Mounter const& mounter, LayerId const& id,
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
