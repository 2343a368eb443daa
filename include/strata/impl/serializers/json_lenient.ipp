#pragma once

#include <strata/serializers/json_lenient.hpp>
#include <strata/serializers/json_text.hpp>

#include <algorithm>
#include <charconv>

namespace strata::serializers::json::detail {

STRATA_INLINE unsigned escaped_code(std::string_view text, std::size_t at) noexcept {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
  unsigned code = 0;
  char const* const end = text.data() + at + 6;
  auto const [stop, error] = std::from_chars(text.data() + at + 2, end, code, 16);
  return error == std::errc{} && stop == end ? code : 0;
}

STRATA_INLINE std::size_t replace_half(std::string& text, std::size_t at) {
  unsigned const code = escaped_code(text, at);
  if (code < 0xD800 || code > 0xDFFF) return at + 2;
  unsigned const low = escaped_code(text, at + 6);
  if (code <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) return at + 12;
  text.replace(at, 6, "\\ufffd");
  return at + 6;
}

STRATA_INLINE std::size_t replace_exponent(std::string& text, std::size_t at) {
  auto const first = std::min(text.find_first_not_of("+-", at + 1), text.size());
  auto const last = std::min(text.find_first_not_of("0123456789", first), text.size());
  if (last - first > 9) text.replace(first, last - first, last - first, '0');
  return last;
}

}  // namespace strata::serializers::json::detail

namespace strata::serializers::json {

STRATA_INLINE std::string lenient(std::string_view text) {
  std::string out(text);
  bool quoted = false;
  for (std::size_t at = 0; at < out.size();) {
    if (quoted && out[at] == '\\') {
      at = detail::replace_half(out, at);
    } else if (!quoted && (out[at] == 'e' || out[at] == 'E')) {
      at = detail::replace_exponent(out, at);
    } else {
      if (out[at] == '"') quoted = !quoted;
      ++at;
    }
  }
  return out;
}

STRATA_INLINE void replace_bad_utf8(std::string& text) {
  std::string out;
  char const* at = text.data();
  char const* const end = at + text.size();
  while (at != end) {
    std::size_t const length = utf8_length(at, end);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else
      out.append(at, length);
    at += length == 0 ? 1 : length;
  }
  text = std::move(out);
}

}  // namespace strata::serializers::json
