#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <string_view>
#include <sys/vfs.h>

namespace strata::drivers::overlay {

/// Name of the file system that contains a path, as in the Go library's status.
std::string backing_name(fs::path const& path);

/// True if directories of this file system report the type of their entries, which overlayfs needs.
bool has_file_types(fs::path const& directory);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/backing.ipp>
#endif
