#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

/// The real attributes of a file that is stored with another owner, mode or type, kept in an extended
/// attribute. containers/storage writes it with the option force_mask, and fuse-overlayfs applies it.
namespace strata::archive {

inline constexpr char const* override_stat_xattr = "user.containers.override_stat";

/// Formats the attribute: "<uid>:<gid>:<mode, octal, four digits>:<type>". The type of a device is
/// "char-<major>-<minor>" or "block-…". containers/storage writes the type since 1.55; before that, and in
/// fuse-overlayfs, it is missing.
std::string override_stat_text(TarHeader const& header);

/// Applies the attribute's text to a header.
/// @return false, with the header unchanged, if malformed: fewer than three fields, or an invalid number
bool apply_override_stat(std::string_view text, TarHeader& header);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/override_stat.ipp>
#endif
