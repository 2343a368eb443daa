#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <sys/types.h>
#include <unistd.h>

/// Changes owners in trees that are being built.
namespace strata::drivers {

/// True if the files of the parent, or of the copied layer, have owners other than those of the new layer.
bool has_other_owners(StageRequest const& request);

/// Changes all owners in a tree to those of the new layer's maps, on several threads. The root of the tree is
/// left unchanged, as in containers/storage.
/// @param relink  as in `sys::ChownOptions`
/// @throws `Errc::invalid_mappings`: an owner that the parent's maps do not have; `Errc::stopped`; `errno`
void shift_owners(fs::path const& tree, StageRequest const& request, bool relink = false);

/// Gives one file or directory to the root of the maps; no effect without maps.
void give_to_root(fs::path const& path, IdMaps const& maps);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/shift_owners.ipp>
#endif
