#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Writes strings as JSON. Boost.JSON's serializer escapes other characters than Go's.
namespace strata::serializers::json {

/// Treatment of bytes that are not UTF-8.
enum class BadUtf8 {
  replace,  ///< U+FFFD for each byte, as Go's encoding/json
  keep,     ///< verbatim, which is not valid JSON
};

/// Length of the well-formed UTF-8 sequence at `at` (RFC 3629: no surrogates, shortest form); 0 if there is
/// none.
inline std::size_t utf8_length(char const* at, char const* end) noexcept {
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

/// True if all of a text is well-formed UTF-8.
inline bool is_utf8(std::string_view text) noexcept {
  char const* at = text.data();
  char const* const end = at + text.size();
  while (at != end) {
    auto const length = utf8_length(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

namespace detail {

constexpr std::uint64_t eight(unsigned char byte) noexcept { return 0x0101010101010101U * byte; }

/// First character in [at, end) that is a control character, not ASCII, or one of `Special`. Vectorized.
template <char... Special>
char const* find_special(char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    auto wanted = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // signed comparison: non-ASCII is below, too
    ((wanted = _mm_or_si128(wanted, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(Special)))), ...);
    if (auto const hits = static_cast<unsigned>(_mm_movemask_epi8(wanted)); hits != 0)
      return at + std::countr_zero(hits);
  }
#endif
  for (; end - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    // A byte's top bit is set if it matches; a borrow can only set it wrongly after a match.
    std::uint64_t const hits = (word | (word - eight(0x20)) |
                                (((word ^ eight(static_cast<unsigned char>(Special))) - eight(1)) | ...)) &
                               eight(0x80);
    if (hits == 0) continue;
    if constexpr (std::endian::native == std::endian::little)
      return at + std::countr_zero(hits) / 8;
    else
      break;
  }
  for (; at != end; ++at) {
    auto const byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte >= 0x80 || ((*at == Special) || ...)) break;
  }
  return at;
}

}  // namespace detail

/// True if a text is ASCII only. Vectorized.
inline bool is_ascii(std::string_view text) noexcept {
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

/// Appends a string literal exactly as Go's encoding/json writes it: `<`, `>`, `&`, U+2028, U+2029 and
/// control characters are escaped (`\n`, `\r`, `\t` by name), all others are not.
inline void write_string(std::string& out, std::string_view text, BadUtf8 bad = BadUtf8::replace) {
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
