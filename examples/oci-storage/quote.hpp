#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <wctype.h>

namespace oci_storage {

/// One character of well-formed UTF-8 at the front of `text`, or `length` 0 for a byte that starts none.
struct Utf8 {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

inline Utf8 first_character(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  std::size_t const length = byte(0) >= 0xf0 && byte(0) <= 0xf4   ? 4
                             : byte(0) >= 0xe0 && byte(0) <= 0xef ? 3
                             : byte(0) >= 0xc2 && byte(0) <= 0xdf ? 2
                                                                  : 0;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t code = byte(0) & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

inline void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15u];
}

/// Whether Go's strconv.IsPrint holds for a character outside ASCII: letters, marks, numbers, punctuation and symbols,
/// but no spaces and no format characters. Which code points are assigned is asked of the C library's C.UTF-8.
inline bool is_printable(std::uint32_t code) {
  static constexpr auto invisible = std::to_array<std::pair<std::uint32_t, std::uint32_t>>({
      {0x80, 0xa0},
      {0xad, 0xad},
      {0x600, 0x605},
      {0x61c, 0x61c},
      {0x6dd, 0x6dd},
      {0x70f, 0x70f},
      {0x1680, 0x1680},
      {0x180e, 0x180e},
      {0x2000, 0x200f},
      {0x2028, 0x202f},
      {0x205f, 0x206f},
      {0x3000, 0x3000},
      {0xe000, 0xf8ff},
      {0xfeff, 0xfeff},
      {0xfff9, 0xfffb},
      {0xfffe, 0xffff},
      {0xe0000, 0x10ffff},
  });
  if (std::ranges::any_of(invisible, [&](auto range) { return code >= range.first && code <= range.second; }))
    return code >= 0xe0100 && code <= 0xe01ef;
  static locale_t const locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale == nullptr || ::iswprint_l(static_cast<wint_t>(code), locale) != 0;
}

/// A string as Go's `%q` prints it.
inline std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    auto const [code, length] = first_character(text);
    static constexpr std::string_view named = "abtnvfr";
    if (length == 0) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[0]), 2);
    } else if (code == '"' || code == '\\') {
      out += '\\';
      out += text[0];
    } else if (code >= 7 && code <= 13) {
      out += '\\';
      out += named[code - 7];
    } else if (code < 0x20 || code == 0x7f) {
      out += "\\x";
      append_hex(out, code, 2);
    } else if (code < 0x80 || is_printable(code)) {
      out += text.substr(0, length);
    } else if (code < 0x10000) {
      out += "\\u";
      append_hex(out, code, 4);
    } else {
      out += "\\U";
      append_hex(out, code, 8);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out += '"';
}

}  // namespace oci_storage
