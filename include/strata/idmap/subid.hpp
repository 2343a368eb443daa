#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The host ids that the administrator has set aside for a user's containers: subuid(5), subgid(5).
namespace strata::idmap {

inline constexpr std::string_view subuid_file = "/etc/subuid";
inline constexpr std::string_view subgid_file = "/etc/subgid";

namespace detail {

/// Removes and returns the part of `text` up to `separator`, which is removed as well.
std::string_view next_piece(std::string_view& text, char separator);

std::optional<std::int64_t> id_number(std::string_view text);

}  // namespace detail

/// The ranges of a user in a subuid or subgid file, mapped to consecutive container ids from 0. Lines are
/// "name:first:count"; others are skipped, as the shadow tools do.
/// @param text contents of the file
/// @param id the user's number, which may stand in place of the name
IdMap subordinate_ranges(std::string_view text, std::string_view name, std::optional<std::int64_t> id = {});

/// As above, from a file; empty if it does not exist.
/// @throws `errno`
IdMap subordinate_ranges(fs::path const& file, std::string_view name, std::optional<std::int64_t> id = {});

}  // namespace strata::idmap

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/idmap/subid.ipp>
#endif
