#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <array>
#include <fcntl.h>
#include <string_view>

/// Marks the tar-split of an archive that was applied over earlier contents, which the tar-split does not
/// have: it then begins with an empty gzip member whose comment says so. Readers skip that.
namespace strata {

inline constexpr std::string_view over_former_mark(
    "\x1f\x8b\x08\x10\0\0\0\0\0\xff"
    "over former contents\0"
    "\x03\0\0\0\0\0\0\0\0\0",
    41);

/// True if the archive was applied over earlier contents.
/// @throws `errno`, "open <path>", "read <path>"
bool is_over_former(fs::path const& tar_split);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/over_former.ipp>
#endif
