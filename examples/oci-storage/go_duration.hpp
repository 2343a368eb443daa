#pragma once

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace oci_storage {

/// Reads what Go's time.ParseDuration reads: "90m", "1h30m", "1.5s", "-2us", "0".
/// @throws std::runtime_error  with Go's text
inline std::chrono::nanoseconds go_duration(std::string_view text) {
  auto const fail = [&](std::string const& what) {
    return std::runtime_error("time: " + what + " \"" + std::string(text) + '"');
  };
  auto rest = text;
  bool const negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return {};
  if (rest.empty()) throw fail("invalid duration");
  long double sum = 0;
  while (!rest.empty()) {
    long double value = 0;
    long double place = 1;
    bool digits = false;
    bool fraction = false;
    for (; !rest.empty(); rest.remove_prefix(1)) {
      char const c = rest.front();
      if (c == '.' && !fraction) {
        fraction = true;
      } else if (c >= '0' && c <= '9') {
        digits = true;
        if (fraction) place /= 10;
        value = fraction ? value + place * static_cast<long double>(c - '0')
                         : value * 10 + static_cast<long double>(c - '0');
      } else {
        break;
      }
    }
    if (!digits) throw fail("invalid duration");
    auto const end = rest.find_first_of(".0123456789");
    auto const unit = rest.substr(0, end);
    if (unit.empty()) throw fail("missing unit in duration");
    long double const scale = unit == "ns"                                             ? 1.0L
                              : unit == "us" || unit == "\u00b5s" || unit == "\u03bcs" ? 1e3L
                              : unit == "ms"                                           ? 1e6L
                              : unit == "s"                                            ? 1e9L
                              : unit == "m"                                            ? 60e9L
                              : unit == "h"                                            ? 3600e9L
                                                                                       : 0.0L;
    if (scale == 0.0L) throw fail("unknown unit \"" + std::string(unit) + "\" in duration");
    sum += value * scale;
    if (sum > static_cast<long double>(std::numeric_limits<std::int64_t>::max()))
      throw fail("invalid duration");
    rest.remove_prefix(unit.size());
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? -sum : sum));
}

}  // namespace oci_storage
