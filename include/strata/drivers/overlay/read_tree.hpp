#pragma once

#include <strata/concepts/read_driver.hpp>
#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/id.hpp>
#include <strata/separate.hpp>
#include <strata/tree/layer_tree.hpp>

#include <utility>

namespace strata::drivers::overlay {

/// The files of a layer, merged from its directory and those below it, or, if these do not show by themselves
/// what a mount would, through a private mount.
/// @throws `Errc::layer_unknown`, `Errc::parent_unknown`, as `mount_privately`
LayerTree read_tree(MountPlaces const& places, Mounter const& mounter, LayerId const& id,
                    ReadMaps const& maps);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/read_tree.ipp>
#endif
