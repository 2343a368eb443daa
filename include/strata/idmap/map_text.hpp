#pragma once

#include <strata/idmap/range.hpp>
#include <strata/idmap/subid.hpp>

#include <optional>
#include <string_view>

namespace strata::idmap {

/// Parses a map in command-line syntax: triples of 32-bit numbers "container:host:size", joined by colons
/// ("0:100000:65536:65536:300000:1"). An empty text is an empty map. Ranges are not validated; see `check`.
/// @return empty if malformed, for example with blanks, commas, signs or a trailing colon
inline std::optional<IdMap> parse_map(std::string_view text) {
  IdMap map;
  if (text.ends_with(':')) return std::nullopt;
  while (!text.empty()) {
    auto const next = [&] { return detail::id_number(detail::next_piece(text, ':')); };
    auto const container = next(), host = next(), size = next();
    if (!container || !host || !size) return std::nullopt;
    map.push_back({*container, *host, *size});
  }
  return map;
}

}  // namespace strata::idmap
