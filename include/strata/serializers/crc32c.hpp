#pragma once

#include <strata/separate.hpp>

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

std::uint32_t crc32c_by_table(std::uint32_t crc, char const* at, std::size_t size) noexcept;

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
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace strata::serializers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/crc32c.ipp>
#endif
