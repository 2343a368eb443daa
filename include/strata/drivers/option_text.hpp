#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

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
[[noreturn]] void reject_option(std::string text);

/// Removes white space (ASCII) at both ends.
std::string_view trim(std::string_view text);

/// ASCII letters only.
std::string lower_case(std::string_view text);

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
std::optional<OptionText> own_option(std::string const& text, std::initializer_list<std::string_view> own);

/// Parses a bool as Go's strconv.ParseBool does.
bool parse_bool(std::string const& value);

/// Parses a size in bytes with an optional unit, all units being powers of 1024: "10m", "1.5 GiB", "4096",
/// "7b".
/// @throws `Errc::driver_option`, with the text of Go's units package
std::uint64_t parse_size(std::string const& text);

/// Formats a size in powers of 1000 with four digits: "10.49MB" (Go's units package).
std::string human_size(std::uint64_t bytes);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/option_text.ipp>
#endif
