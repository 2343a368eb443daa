#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>

namespace strata::drivers::overlay {

/// True if a mount program wrote layers here: it leaves whiteouts as files, and attributes of its own on
/// directories. Searches all layers; needed only if `.has-mount-program` is missing in the home.
bool used_mount_program(LayerDirs const& dirs);

/// Searches the directories of `$PATH`; empty if not found.
fs::path find_program(std::string_view name);

/// Unmounts with fuse's own program, as a mount program expects (fusermount3(1)).
/// @return  false if that failed
bool unmount_by_program(fs::path const& target);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/mount_program.ipp>
#endif
