#pragma once

#include <strata/error.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Syntax common to the options of all drivers: "[driver.]key=value", from storage.conf and the command line.
namespace strata::drivers {

/// @param text  the whole message
[[noreturn]] inline void reject_option(std::string text) {
  throw Error(Errc::driver_option, std::move(text));
}

/// Removes white space (ASCII) at both ends.
inline std::string_view trim(std::string_view text) {
  auto const space = " \t\r\n\v\f";
  auto const first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// ASCII letters only.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// An option split into key and value.
struct OptionText {
  std::string given;  ///< everything before the "=", unchanged
  std::string key;    ///< in lower case, without the prefix
  std::string value;
};

/// Splits at the first "=". Returns none for options with the prefix of another driver, as in release 1.63;
/// those without a prefix, or with a bare dot instead, apply to every driver.
/// @param own  prefixes with their dots, "overlay."
/// @throws     `Errc::driver_option` if there is no "="
inline std::optional<OptionText> own_option(std::string const& text,
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

/// Parses a bool as Go's strconv.ParseBool does.
inline bool parse_bool(std::string const& value) {
  for (auto const* word : {"1", "t", "T", "TRUE", "true", "True"})
    if (value == word) return true;
  for (auto const* word : {"0", "f", "F", "FALSE", "false", "False"})
    if (value == word) return false;
  reject_option("strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
}

/// Parses a size in bytes with an optional unit, all units being powers of 1024: "10m", "1.5 GiB", "4096",
/// "7b".
/// @throws `Errc::driver_option`, with the text of Go's units package
inline std::uint64_t parse_size(std::string const& text) {
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

/// Formats a size in powers of 1000 with four digits: "10.49MB" (Go's units package).
inline std::string human_size(std::uint64_t bytes) {
  constexpr std::array<char const*, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < units.size(); ++unit) size /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g%s", size, units[unit]);
  return text.data();
}

}  // namespace strata::drivers
