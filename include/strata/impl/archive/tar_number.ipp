#pragma once

#include <strata/archive/tar_number.hpp>

#include <charconv>

namespace strata::archive {

STRATA_INLINE std::int64_t read_number(Bytes field) {
  auto const bad = [&] {
    std::string text = "number \"";
    for (auto const b : field) {
      auto const c = std::to_integer<unsigned char>(b);
      text += c > 0x20 && c < 0x7f ? static_cast<char>(c) : '.';
    }
    return Error(Errc::corrupt_archive, text + '"');
  };
  if (field.empty()) return 0;
  auto const first = std::to_integer<unsigned char>(field[0]);
  if ((first & 0x80U) != 0) {
    std::uint64_t const flip = (first & 0x40U) != 0 ? ~std::uint64_t{0} : 0;
    std::uint64_t value = 0;  // of the complement if negative, so that one test detects overflow
    for (std::size_t i = 0; i < field.size(); ++i) {
      auto digit = (std::to_integer<std::uint64_t>(field[i]) ^ flip) & 0xffU;
      if (i == 0) digit &= 0x3fU;
      if ((value >> 55U) != 0) throw bad();
      value = (value << 8U) | digit;
    }
    return static_cast<std::int64_t>(value ^ flip);
  }
  auto const skip = [](std::byte b) { return b == std::byte{' '} || b == std::byte{0}; };
  std::size_t at = 0;
  while (at < field.size() && skip(field[at])) ++at;
  std::uint64_t value = 0;
  for (; at < field.size() && !skip(field[at]); ++at) {
    auto const digit = std::to_integer<unsigned>(field[at]) - unsigned{'0'};
    if (digit > 7 || (value >> 60U) != 0) throw bad();
    value = (value << 3U) | digit;
  }
  // What follows the first NUL is ignored; a second word after a space is damage.
  if (at < field.size() && field[at] == std::byte{' '})
    for (; at < field.size() && field[at] != std::byte{0}; ++at)
      if (field[at] != std::byte{' '}) throw bad();
  return static_cast<std::int64_t>(value);
}

STRATA_INLINE std::int64_t read_decimal(std::string_view text) {
  std::int64_t value = 0;
  auto digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc{} || end != digits.data() + digits.size())
    throw Error(Errc::corrupt_archive, "number \"" + std::string(text.substr(0, 32)) + '"');
  return value;
}

}  // namespace strata::archive
