#pragma once

#include <strata/archive/crc64.hpp>

namespace strata::archive {

STRATA_INLINE void Crc64::update(Bytes bytes) noexcept {
  value_ = crc64_iso_refl(value_, reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size());
}

STRATA_INLINE std::array<std::byte, 8> Crc64::bytes() const noexcept {
  std::array<std::byte, 8> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(value_ >> (56 - 8 * i));
  return out;
}

}  // namespace strata::archive
