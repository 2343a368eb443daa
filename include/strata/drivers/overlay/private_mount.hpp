#pragma once

#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/id_map.hpp>
#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>

#include <utility>

namespace strata::drivers::overlay {

/// Mounts a layer read-only in a staging directory below `MountPlaces::private_mounts`, which unmounts it with
/// its removal. Not at the usual place: other processes would take that for a counted mount, and write to it.
/// @param maps  if not empty, the layers below are shown with the owners that a container with these maps sees
/// @return the mount point
/// @throws `Errc::layer_unknown`, as `Mounter::mount`
fs::path mount_privately(MountPlaces const& places, Mounter const& mounter, sys::StagingDirectory& staging,
                         LayerId const& id, IdMaps const& maps = {});

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/private_mount.ipp>
#endif
