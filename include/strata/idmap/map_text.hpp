#pragma once

#include <strata/idmap/range.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <string_view>

namespace strata::idmap {

/// Parses a map in command-line syntax: triples of 32-bit numbers "container:host:size", joined by colons
/// ("0:100000:65536:65536:300000:1"). An empty text is an empty map. Ranges are not validated; see `check`.
/// @return empty if malformed, for example with blanks, commas, signs or a trailing colon
std::optional<IdMap> parse_map(std::string_view text);

}  // namespace strata::idmap

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/idmap/map_text.ipp>
#endif
