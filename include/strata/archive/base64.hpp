#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace strata::archive {

/// Number of characters of `size` bytes in base64 (RFC 4648 section 4), including padding.
constexpr std::size_t base64_size(std::size_t size) noexcept { return (size + 2) / 3 * 4; }

namespace detail {

inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Two characters per 12 bits, which halves the lookups.
inline constexpr auto base64_pairs = [] {
  std::array<std::array<char, 2>, 4096> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = {base64_digits[i >> 6U], base64_digits[i & 63U]};
  return table;
}();

inline constexpr std::uint32_t not_base64 = 0x80000000U;

/// A character's contribution to 24 bits at each of four positions, or `not_base64`.
inline constexpr auto base64_values = [] {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (std::size_t place = 0; place < 4; ++place) {
    table[place].fill(not_base64);
    for (std::uint32_t i = 0; i < 64; ++i)
      table[place][static_cast<unsigned char>(base64_digits[i])] = i << (18 - 6 * place);
  }
  return table;
}();

}  // namespace detail

/// Encodes `bytes` into `out`, which has room for `base64_size(bytes.size())` characters; returns the end.
/// When a text is encoded in pieces, all but the last must be multiples of 3 bytes.
char* base64_encode(Bytes bytes, char* out) noexcept;

/// Decodes `text` into `out`, which has room for 3 bytes per 4 characters; returns the number of bytes, or
/// empty if the text is not padded base64. When a text is decoded in pieces, all but the last must be
/// multiples of 4 characters without padding.
std::optional<std::size_t> base64_decode(std::string_view text, std::byte* out) noexcept;

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/base64.ipp>
#endif
