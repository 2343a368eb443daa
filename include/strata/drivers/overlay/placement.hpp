#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/staged.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/separate.hpp>
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
void put_in_place(LayerDirs const& dirs, LayerId const& id, StagedLayer& staged,
                  sys::ProjectLimits const& limits);

/// Exchanges the trees of a layer and a staged one.
/// @throws `errno`, "rename <path>": nothing has changed
void exchange_trees(fs::path const& layer, StagedLayer& staged);

/// Moves a layer's directory and its entry of `l/` into a staging directory, which removes them when
/// destroyed.
/// @return  none if there is no such layer
std::optional<sys::StagingDirectory> take_away(LayerDirs const& dirs, LayerId const& id);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/placement.ipp>
#endif
