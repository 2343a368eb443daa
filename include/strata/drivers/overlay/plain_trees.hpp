#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

namespace strata::drivers::overlay {

/// True if the directories of a layer and of those below it show by themselves what a mount would: none is a
/// composefs image, no mount program wrote whiteouts of its own kind, and the kernel makes no redirects.
/// @throws `Errc::parent_unknown`, `errno`
bool has_plain_trees(LayerDirs const& dirs, Mounter const& mounter, fs::path const& layer);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/plain_trees.ipp>
#endif
