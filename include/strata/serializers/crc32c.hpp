#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace strata::serializers {

namespace detail {

/// Tables for eight bytes per step; Castagnoli's polynomial, bit-reversed (RFC 3720, 12.1).
inline constexpr auto crc32c_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = value;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 255];
  return tables;
}();

inline std::uint32_t crc32c_by_table(std::uint32_t crc, char const* at, std::size_t size) noexcept {
  auto const& t = crc32c_tables;
  if constexpr (std::endian::native == std::endian::little)
    for (; size >= 8; at += 8, size -= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, sizeof word);
      word ^= crc;
      crc = t[7][word & 255] ^ t[6][word >> 8 & 255] ^ t[5][word >> 16 & 255] ^ t[4][word >> 24 & 255] ^
            t[3][word >> 32 & 255] ^ t[2][word >> 40 & 255] ^ t[1][word >> 48 & 255] ^ t[0][word >> 56];
    }
  for (; size > 0; ++at, --size) crc = (crc >> 8) ^ t[0][(crc ^ static_cast<unsigned char>(*at)) & 255];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_by_instruction(std::uint32_t crc,
                                                                             char const* at,
                                                                             std::size_t size) noexcept {
  std::uint64_t wide = crc;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  return crc32c_by_table(static_cast<std::uint32_t>(wide), at, size);
}
#endif

}  // namespace detail

/// CRC-32C as in iSCSI and ext4; uses the processor's instruction if available.
/// @param crc  result for the preceding bytes, to continue from
inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept {
#if defined(__x86_64__)
  static bool const has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return ~detail::crc32c_by_instruction(~crc, bytes.data(), bytes.size());
#endif
  return ~detail::crc32c_by_table(~crc, bytes.data(), bytes.size());
}

}  // namespace strata::serializers
