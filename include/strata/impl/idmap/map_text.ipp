#pragma once

#include <strata/idmap/map_text.hpp>
#include <strata/idmap/subid.hpp>

namespace strata::idmap {

STRATA_INLINE std::optional<IdMap> parse_map(std::string_view text) {
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
