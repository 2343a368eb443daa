#pragma once

#include <strata/idmap/range.hpp>
#include <strata/idmap/subid.hpp>

#include <optional>
#include <string_view>

namespace strata::idmap {

/// Reads a map as people write it: triples of 32-bit numbers "container:host:size", joined by further colons
/// ("0:100000:65536:65536:300000:1"). The empty text is the empty map. Ranges are taken as they stand; see `check`.
/// @return  nothing if the text is no such thing; blanks, commas, signs and a colon at the end make it none
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
