#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <ctime>

namespace strata::drivers::overlay {

/// True if a directory of `<home>/staging` without a lock file is old enough to be garbage. Releases before
/// 1.54 of containers/storage do not lock these directories.
/// @param changed  time of the directory's last change, seconds since 1970
inline bool is_old_staging(std::time_t changed) { return std::time(nullptr) - changed > 24 * 3600; }

namespace detail {

/// Removes one directory, under its lock if it has one. @throws `errno`
void prune_staged(fs::path const& path, std::time_t changed);

}  // namespace detail

/// Removes what partial pulls of other programs left in `<home>/staging`: directories whose `staging.lock` no
/// process holds, and old ones without that file. What cannot be removed is left for the next call.
void prune_staging(fs::path const& home);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/left_staging.ipp>
#endif
