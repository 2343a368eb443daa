#pragma once

#include <strata/serializers/json_salvage.hpp>

namespace strata::serializers::json::detail {

STRATA_INLINE std::size_t end_of_object(std::string_view text, std::size_t at) noexcept {
  std::size_t depth = 0;
  for (bool quoted = false; at < text.size(); ++at) {
    char const c = text[at];
    if (quoted && c == '\\')
      ++at;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == '{')
      ++depth;
    else if (!quoted && c == '}' && --depth == 0)
      return at + 1;
  }
  return std::string_view::npos;
}

}  // namespace strata::serializers::json::detail
