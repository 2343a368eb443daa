#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <charconv>
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
inline std::string_view next_piece(std::string_view& text, char separator) {
  auto const end = std::min(text.find(separator), text.size());
  auto const piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

inline std::optional<std::int64_t> id_number(std::string_view text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional<std::int64_t>(value)
                                                                  : std::nullopt;
}

}  // namespace detail

/// The ranges of a user in a subuid or subgid file, mapped to consecutive container ids from 0. Lines are
/// "name:first:count"; others are skipped, as the shadow tools do.
/// @param text contents of the file
/// @param id the user's number, which may stand in place of the name
inline IdMap subordinate_ranges(std::string_view text, std::string_view name,
                                std::optional<std::int64_t> id = {}) {
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

/// As above, from a file; empty if it does not exist.
/// @throws `errno`
inline IdMap subordinate_ranges(fs::path const& file, std::string_view name,
                                std::optional<std::int64_t> id = {}) {
  return subordinate_ranges(std::string_view(sys::read_file_if_exists(file).value_or(std::string())), name,
                            id);
}

}  // namespace strata::idmap
