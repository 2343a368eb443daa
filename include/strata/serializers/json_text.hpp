#pragma once

#include <strata/separate.hpp>

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
std::size_t utf8_length(char const* at, char const* end) noexcept;

/// True if all of a text is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

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
bool is_ascii(std::string_view text) noexcept;

/// Appends a string literal exactly as Go's encoding/json writes it: `<`, `>`, `&`, U+2028, U+2029 and
/// control characters are escaped (`\n`, `\r`, `\t` by name), all others are not.
void write_string(std::string& out, std::string_view text, BadUtf8 bad = BadUtf8::replace);

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_text.ipp>
#endif
