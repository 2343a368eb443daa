#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

/// Computes what a layer changed from its own tree alone, in which the kernel keeps only the differences from
/// the layers below. Where another program mounted the layer with `metacopy` or `redirect_dir`, the tree does not
/// have all of them, and the difference is `Errc::unsupported`: with these mount options the driver compares mounts.
namespace strata::drivers::overlay {

namespace detail {

/// True if a directory is in the layer only for its entries.
bool same_directory(struct stat const& a, struct stat const& b) noexcept;

}  // namespace detail

/// @param tree    the layer's `diff`
/// @param lowers  those of the layers below, nearest first
/// @return        in path order: directories before their entries, byte order within each. All directories
///   above an added or removed path count as modified, as in containers/storage
/// @throws `Errc::unsupported` for a directory whose entries are elsewhere (`redirect_dir`); `errno`
std::vector<Change> native_changes(fs::path const& tree, std::vector<fs::path> lowers);

/// The same as archive entries, with whiteouts and opaque directories in the form used in archives.
/// @throws `Errc::unsupported` also for a file whose contents are below (`metacopy`)
/// @param maps  of the layer; whiteouts, which are often made by the kernel, keep their owner
void native_diff(fs::path const& tree, std::vector<fs::path> lowers, archive::TarWriter& to,
                 Control const& control, IdMaps const& maps = {});

/// Total bytes of everything but directories, each inode once.
std::int64_t native_size(fs::path const& tree);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/diff.ipp>
#endif
