#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace strata::archive {

/// Reads a numeric field of a tar header.
///
/// Octal digits between optional spaces and NULs (POSIX.1-2017 pax, "ustar Interchange Format"); an empty
/// field is 0. If bit 7 of the first byte is set, the remaining bits are a big-endian two's-complement number
/// (GNU "base-256").
/// @param field 8 bytes (mode, uid, gid, devices) or 12 bytes (size, mtime) of the header
/// @return bytes for `size`, seconds since 1970-01-01T00:00:00Z for `mtime`
/// @throws `Errc::corrupt_archive`: an invalid character, or a value outside 63 bits and sign
/// Linear in `field.size()`; allocates only on error; thread-safe.
std::int64_t read_number(Bytes field);

/// True if `value` fits as octal digits with a final NUL in a field of `width` bytes.
constexpr bool fits_octal(std::int64_t value, std::size_t width) noexcept {
  auto const bits = 3 * (width - 1);
  return value >= 0 && (bits >= 63 || value < (std::int64_t{1} << bits));
}

/// Writes octal digits with leading zeros and a final NUL. A value that does not fit becomes 0, as in Go's
/// archive/tar, where a PAX record then holds it.
constexpr void write_octal(std::span<char> field, std::int64_t value) noexcept {
  auto rest = fits_octal(value, field.size()) ? static_cast<std::uint64_t>(value) : 0;
  field[field.size() - 1] = '\0';
  for (auto i = field.size() - 1; i-- > 0; rest >>= 3U) field[i] = static_cast<char>('0' + (rest & 7U));
}

/// Parses a decimal number with an optional sign, as in PAX records.
/// @throws `Errc::corrupt_archive`: empty, an invalid character, or outside 63 bits and sign
std::int64_t read_decimal(std::string_view text);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_number.ipp>
#endif
