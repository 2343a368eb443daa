#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

/// Figures as Podman prints them for people.
namespace oci_storage {

/// "2.05 kB": three digits, powers of 1000.
inline std::string human_size(std::int64_t bytes) {
  static constexpr auto units = std::to_array<char const*>({"B", "kB", "MB", "GB", "TB", "PB", "EB"});
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %s", value, units[unit]);
  return text;
}

/// "About a minute", "3 weeks".
inline std::string human_duration(std::int64_t seconds) {
  auto const count = [](std::int64_t number, char const* unit) {
    return std::to_string(number) + ' ' + unit;
  };
  auto const minutes = seconds / 60;
  auto const hours = (seconds + 1800) / 3600;
  auto const days = hours / 24;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return count(seconds, "seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return count(minutes, "minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return count(hours, "hours");
  if (days < 14) return count(days, "days");
  if (days < 60) return count(days / 7, "weeks");
  if (days < 730) return count(days / 30, "months");
  return count(seconds / 3600 / 24 / 365, "years");
}

}  // namespace oci_storage
