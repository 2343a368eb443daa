#pragma once

#include <strata/idmap/subid.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <charconv>

namespace strata::idmap::detail {

STRATA_INLINE std::string_view next_piece(std::string_view& text, char separator) {
  auto const end = std::min(text.find(separator), text.size());
  auto const piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

STRATA_INLINE std::optional<std::int64_t> id_number(std::string_view text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional<std::int64_t>(value)
                                                                  : std::nullopt;
}

}  // namespace strata::idmap::detail

namespace strata::idmap {

STRATA_INLINE IdMap subordinate_ranges(std::string_view text, std::string_view name,
                                       std::optional<std::int64_t> id) {
  IdMap map;
  std::int64_t next = 0;
  while (!text.empty()) {
    auto line = detail::next_piece(text, '\n');
    auto const owner = detail::next_piece(line, ':');
    if (owner != name && !(id && detail::id_number(owner) == id)) continue;
    auto const first = detail::id_number(detail::next_piece(line, ':'));
    auto const count = detail::id_number(line);
    if (!first || !count || *count == 0) continue;
    map.push_back({next, *first, *count});
    next += *count;
  }
  return map;
}

STRATA_INLINE IdMap subordinate_ranges(fs::path const& file, std::string_view name,
                                       std::optional<std::int64_t> id) {
  return subordinate_ranges(std::string_view(sys::read_file_if_exists(file).value_or(std::string())), name,
                            id);
}

}  // namespace strata::idmap
