#pragma once

#include <strata/serializers/crc32c.hpp>

namespace strata::serializers::detail {

STRATA_INLINE std::uint32_t crc32c_by_table(std::uint32_t crc, char const* at, std::size_t size) noexcept {
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

}  // namespace strata::serializers::detail

namespace strata::serializers {

STRATA_INLINE std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
  static bool const has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return ~detail::crc32c_by_instruction(~crc, bytes.data(), bytes.size());
#endif
  return ~detail::crc32c_by_table(~crc, bytes.data(), bytes.size());
}

}  // namespace strata::serializers
