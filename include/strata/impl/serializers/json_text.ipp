#pragma once

#include <strata/serializers/json_text.hpp>

namespace strata::serializers::json {

STRATA_INLINE std::size_t utf8_length(char const* at, char const* end) noexcept {
  auto const byte = [&](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
  auto const tail = [&](std::ptrdiff_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  auto const left = end - at;
  if (left < 1) return 0;
  unsigned const lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    return (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    return (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F) ? 0 : 4;
  }
  return 0;
}

STRATA_INLINE bool is_utf8(std::string_view text) noexcept {
  char const* at = text.data();
  char const* const end = at + text.size();
  while (at != end) {
    auto const length = utf8_length(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

STRATA_INLINE bool is_ascii(std::string_view text) noexcept {
  char const* at = text.data();
  char const* const end = at + text.size();
  std::uint64_t all = 0;
  for (std::uint64_t words[4]; end - at >= 32; at += 32) {
    std::memcpy(words, at, sizeof words);
    all |= words[0] | words[1] | words[2] | words[3];
  }
  for (; at != end; ++at) all |= static_cast<unsigned char>(*at);
  return (all & detail::eight(0x80)) == 0;
}

STRATA_INLINE void write_string(std::string& out, std::string_view text, BadUtf8 bad) {
  static constexpr char hex[] = "0123456789abcdef";
  char const* at = text.data();
  char const* const end = at + text.size();
  out += '"';
  for (;;) {
    char const* const stop = detail::find_special<'"', '\\', '<', '>', '&'>(at, end);
    out.append(at, stop);
    at = stop;
    if (at == end) break;
    auto const byte = static_cast<unsigned char>(*at);
    if (byte >= 0x80) {
      std::size_t const length = utf8_length(at, end);
      if (length == 0) {
        if (bad == BadUtf8::keep)
          out += *at;
        else
          out += "\\ufffd";
        ++at;
        continue;
      }
      std::string_view const character(at, length);
      if (character == "\xE2\x80\xA8")
        out += "\\u2028";
      else if (character == "\xE2\x80\xA9")
        out += "\\u2029";
      else
        out += character;
      at += length;
      continue;
    }
    ++at;
    switch (byte) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += hex[byte >> 4];
        out += hex[byte & 15];
    }
  }
  out += '"';
}

}  // namespace strata::serializers::json
