#pragma once

#include <strata/concepts/bytes.hpp>

#include <isa-l/crc64.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata::archive {

/// CRC-64 with the ISO 3309 polynomial as in Go's hash/crc64: reflected 0xD800000000000000, initial value and
/// final XOR all ones. By ISA-L, at more than 10 GB/s with carry-less multiplication.
class Crc64 {
 public:
  void update(Bytes bytes) noexcept {
    value_ = crc64_iso_refl(value_, reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size());
  }
  std::uint64_t value() const noexcept { return value_; }

  /// Most significant byte first, as in tar-split files.
  std::array<std::byte, 8> bytes() const noexcept {
    std::array<std::byte, 8> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(value_ >> (56 - 8 * i));
    return out;
  }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace strata::archive
