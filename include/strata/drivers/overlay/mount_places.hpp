#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>

#include <sys/stat.h>

namespace strata::drivers::overlay {

/// Paths at which the layers of a home are mounted. Keeps references to its arguments.
struct MountPlaces {
  LayerDirs const& dirs;
  fs::path const& run_home;  ///< lost at reboot
  bool read_only = false;    ///< nothing may be created in the home

  /// True if a layer is mounted in its own directory, and can be written to.
  bool is_own(fs::path const& layer) const { return !read_only && dirs.is_own(layer); }

  /// `<home>/<id>/merged`; for layers of read-only stores, and in a store opened for reading, a path below
  /// the run root.
  fs::path of(LayerId const& id) const;

  /// Directory for short-lived mounts that other processes must neither use nor count. Not in the home: a
  /// shutdown by another process unmounts the home with all mounts below it.
  fs::path private_mounts() const { return run_home / paths::overlay::temp_dirs; }
};

/// Makes an empty directory in a staging directory.
/// @throws `errno`, "mkdir <path>"
fs::path make_mount_point(sys::StagingDirectory& place);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/mount_places.ipp>
#endif
