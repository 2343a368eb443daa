#pragma once

#include <strata/oci/transport.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace strata::oci {

namespace detail {

STRATA_INLINE bool equal_without_case(std::string_view left, std::string_view right) noexcept {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

STRATA_INLINE std::string_view trimmed(std::string_view text) noexcept {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

STRATA_INLINE std::optional<std::uint64_t> decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  auto const* const end = text.data() + text.size();
  auto const [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value > std::numeric_limits<std::int64_t>::max()) return {};
  return value;
}

}  // namespace detail

STRATA_INLINE void HttpHeaders::remove(std::string_view name) {
  std::erase_if(items_, [&](auto const& item) { return detail::equal_without_case(item.first, name); });
}

STRATA_INLINE std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
  for (auto const& [key, value] : items_)
    if (detail::equal_without_case(key, name)) return value;
  return {};
}

STRATA_INLINE std::vector<std::string_view> HttpHeaders::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (auto const& [key, value] : items_)
    if (detail::equal_without_case(key, name)) out.push_back(value);
  return out;
}

STRATA_INLINE std::optional<std::uint64_t> HttpHeaders::content_length() const {
  auto const value = find("Content-Length");
  return value ? detail::decimal(*value) : std::nullopt;
}

}  // namespace strata::oci
