#pragma once

#include <strata/archive/tar_header.hpp>

namespace strata::archive::detail {

STRATA_INLINE std::string_view text_of(Bytes block, TarField f) {
  auto const text = as_text(field_of(block, f));
  return text.substr(0, text.find('\0'));
}

STRATA_INLINE bool is_ascii(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c != '\0' && (static_cast<unsigned char>(c) & 0x80U) == 0; });
}

STRATA_INLINE std::int64_t owner_of(std::int64_t id) noexcept {
  return id < -1 && id >= std::numeric_limits<std::int32_t>::min() ? id + (std::int64_t{1} << 32U) : id;
}

STRATA_INLINE TarSums sum_of(Bytes block) {
  std::uint32_t sum = 0;
  std::uint32_t high = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    auto const b = std::to_integer<std::uint32_t>(block[i]);
    sum += b;
    high += b >> 7U;
  }
  for (auto const field = field_of(block, field_checksum); auto const b : field) {
    sum -= std::to_integer<std::uint32_t>(b);
    high -= std::to_integer<std::uint32_t>(b) >> 7U;
  }
  std::int64_t const all = std::int64_t{sum} + 8 * ' ';
  return {.of_unsigned = all, .of_signed = all - 256 * std::int64_t{high}};
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE FileTime read_pax_time(std::string_view text) {
  auto const dot = text.find('.');
  FileTime time{.seconds = read_decimal(text.substr(0, dot)), .nanoseconds = 0};
  if (dot == std::string_view::npos) return time;
  auto const fraction = text.substr(dot + 1);
  std::int32_t unit = 100'000'000;
  for (char const c : fraction) {
    if (c < '0' || c > '9')
      throw Error(Errc::corrupt_archive, "time \"" + std::string(text.substr(0, 40)) + '"');
    time.nanoseconds += (c - '0') * unit;
    unit /= 10;
  }
  if (text.front() == '-' && time.nanoseconds != 0) {  // "-1.25" is 1.25 s before 1970
    if (time.seconds == std::numeric_limits<std::int64_t>::min())
      throw Error(Errc::corrupt_archive, "time \"" + std::string(text.substr(0, 40)) + '"');
    time.seconds -= 1;
    time.nanoseconds = 1'000'000'000 - time.nanoseconds;
  }
  return time;
}

}  // namespace strata::archive
