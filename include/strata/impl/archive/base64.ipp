#pragma once

#include <strata/archive/base64.hpp>

#include <array>
#include <cstdint>
#include <cstring>

namespace strata::archive {

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

STRATA_INLINE char* base64_encode(Bytes bytes, char* out) noexcept {
  auto const* in = reinterpret_cast<unsigned char const*>(bytes.data());
  auto const* const end = in + bytes.size() / 3 * 3;
  for (; in != end; in += 3, out += 4) {
    std::uint32_t const bits = (std::uint32_t{in[0]} << 16U) | (std::uint32_t{in[1]} << 8U) | in[2];
    std::memcpy(out, detail::base64_pairs[bits >> 12U].data(), 2);
    std::memcpy(out + 2, detail::base64_pairs[bits & 0xfffU].data(), 2);
  }
  auto const rest = bytes.size() % 3;
  if (rest == 0) return out;
  std::uint32_t const bits = (std::uint32_t{in[0]} << 16U) | (rest == 2 ? std::uint32_t{in[1]} << 8U : 0);
  std::memcpy(out, detail::base64_pairs[bits >> 12U].data(), 2);
  out[2] = rest == 2 ? detail::base64_pairs[bits & 0xfffU][0] : '=';
  out[3] = '=';
  return out + 4;
}

STRATA_INLINE std::optional<std::size_t> base64_decode(std::string_view text, std::byte* out) noexcept {
  if (text.size() % 4 != 0) return {};
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  auto const* in = reinterpret_cast<unsigned char const*>(text.data());
  auto const* const end = in + text.size() - (padding != 0 ? 4 : 0);
  auto const* const begin = out;
  auto const& values = detail::base64_values;
  std::uint32_t seen = 0;
  for (; in != end; in += 4, out += 3) {
    auto const bits = values[0][in[0]] | values[1][in[1]] | values[2][in[2]] | values[3][in[3]];
    seen |= bits;
    out[0] = static_cast<std::byte>(bits >> 16U);
    out[1] = static_cast<std::byte>(bits >> 8U);
    out[2] = static_cast<std::byte>(bits);
  }
  if (padding != 0) {
    auto const bits = values[0][in[0]] | values[1][in[1]] | (padding == 1 ? values[2][in[2]] : 0);
    seen |= bits;
    *out++ = static_cast<std::byte>(bits >> 16U);
    if (padding == 1) *out++ = static_cast<std::byte>(bits >> 8U);
  }
  if ((seen & detail::not_base64) != 0) return {};
  return static_cast<std::size_t>(out - begin);
}

}  // namespace strata::archive
