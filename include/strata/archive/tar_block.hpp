#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

/// The 512-byte header block of an entry: v7, ustar, GNU or star, distinguished by the "magic" field.
namespace strata::archive {

/// True for a header in the GNU format.
bool is_gnu_block(Bytes block);

namespace detail {

/// Reads the fields that only some formats have: devices, user and group names, access and change times.
/// Returns the prefix of a long name.
std::string_view read_format_fields(Bytes block, char type, TarHeader& header);

}  // namespace detail

/// Verifies the checksum and reads the fixed fields; those that the format does not have are empty or 0.
/// @return the type flag as stored
/// @throws `Errc::corrupt_archive`
char read_tar_block(Bytes block, TarHeader& header);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_block.ipp>
#endif
