#pragma once

#include <strata/drivers/option_text.hpp>

namespace strata::drivers {

STRATA_INLINE void reject_option(std::string text) { throw Error(Errc::driver_option, std::move(text)); }

STRATA_INLINE std::string_view trim(std::string_view text) {
  auto const space = " \t\r\n\v\f";
  auto const first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

STRATA_INLINE std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

STRATA_INLINE std::optional<OptionText> own_option(std::string const& text,
                                                   std::initializer_list<std::string_view> own) {
  auto const equals = text.find('=');
  if (equals == std::string::npos) reject_option("unable to parse key/value option: " + text);
  std::string_view const given = trim(std::string_view(text).substr(0, equals));
  OptionText option{.given = std::string(given),
                    .key = lower_case(given),
                    .value = std::string(trim(std::string_view(text).substr(equals + 1)))};
  for (std::string_view const prefix : own) {
    if (!option.key.starts_with(prefix)) continue;
    option.key.erase(0, prefix.size());
    return option;
  }
  for (std::string_view const prefix : {"overlay.", "overlay2.", "btrfs.", "vfs.", "zfs."})
    if (option.key.starts_with(prefix)) return std::nullopt;
  if (option.key.starts_with('.')) option.key.erase(0, 1);
  return option;
}

STRATA_INLINE bool parse_bool(std::string const& value) {
  for (auto const* word : {"1", "t", "T", "TRUE", "true", "True"})
    if (value == word) return true;
  for (auto const* word : {"0", "f", "F", "FALSE", "false", "False"})
    if (value == word) return false;
  reject_option("strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
}

STRATA_INLINE std::uint64_t parse_size(std::string const& text) {
  constexpr std::string_view units = "kmgtp";
  auto const last = text.find_last_of("0123456789. ");
  if (last == std::string::npos) reject_option("invalid size: '" + text + "'");
  std::string const number = text.substr(0, text[last] == ' ' ? last : last + 1);
  std::string const suffix = lower_case(std::string_view(text).substr(last + 1));
  char* end = nullptr;
  double size = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || number.find_first_not_of("0123456789.+-eE") != std::string::npos)
    reject_option("strconv.ParseFloat: parsing \"" + number + "\": invalid syntax");
  if (size < 0) reject_option("invalid size: '" + text + "'");
  if (!suffix.empty() && suffix != "b") {
    auto const unit = units.find(suffix[0]);
    auto const rest = suffix.substr(1);
    if (unit == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib"))
      reject_option("invalid suffix: '" + suffix + "'");
    size = std::ldexp(size, 10 * (static_cast<int>(unit) + 1));
  }
  if (size >= 0x1p63) reject_option("invalid size: '" + text + "'");
  return static_cast<std::uint64_t>(size);
}

STRATA_INLINE std::string human_size(std::uint64_t bytes) {
  constexpr std::array<char const*, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < units.size(); ++unit) size /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g%s", size, units[unit]);
  return text.data();
}

}  // namespace strata::drivers
