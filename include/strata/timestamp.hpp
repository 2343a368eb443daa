#pragma once

#include <strata/error.hpp>

#include <compare>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace strata {

/// A moment in UTC with nanoseconds, in the whole range that RFC 3339 can write (years 1 to 9999).
/// The default is the zero time of the records, 0001-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t seconds = -62'135'596'800;  ///< since 1970-01-01T00:00:00Z
  std::int32_t nanoseconds = 0;            ///< 0 to 999,999,999, counted forward also before 1970

  auto operator<=>(Timestamp const&) const = default;

  static Timestamp now() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_REALTIME, &t);
    return {t.tv_sec, static_cast<std::int32_t>(t.tv_nsec)};
  }

  /// RFC 3339, always `Z`, trailing zeros of the fraction left out, as Go writes it.
  std::string str() const {
    std::time_t const t = seconds;
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    char text[64];
    int n = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
                          parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    std::string out(text, static_cast<std::size_t>(n));
    if (nanoseconds != 0) {
      n = std::snprintf(text, sizeof text, ".%09d", nanoseconds);
      out.append(text, static_cast<std::size_t>(n));
      while (out.back() == '0') out.pop_back();
    }
    return out += 'Z';
  }

  /// Reads RFC 3339 with or without a fraction, with `Z` or a numeric offset. More than nine digits of the
  /// fraction are cut.
  /// @throws `Errc::corrupt_record`
  static Timestamp parse(std::string_view text) {
    auto const bad = [&] { return Error(Errc::corrupt_record, "time \"" + std::string(text) + "\""); };
    std::size_t at = 0;
    auto const number = [&](int digits) {
      int value = 0;
      for (int i = 0; i < digits; ++i, ++at) {
        if (at >= text.size() || text[at] < '0' || text[at] > '9') throw bad();
        value = value * 10 + (text[at] - '0');
      }
      return value;
    };
    auto const sign = [&](std::string_view allowed) {
      if (at >= text.size() || allowed.find(text[at]) == std::string_view::npos) throw bad();
      return text[at++];
    };
    std::tm parts{};
    parts.tm_year = number(4) - 1900;
    sign("-");
    parts.tm_mon = number(2) - 1;
    sign("-");
    parts.tm_mday = number(2);
    sign("Tt");
    parts.tm_hour = number(2);
    sign(":");
    parts.tm_min = number(2);
    sign(":");
    parts.tm_sec = number(2);
    if (parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
        parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60)
      throw bad();
    Timestamp out;
    if (at < text.size() && text[at] == '.') {
      ++at;
      std::int32_t unit = 100'000'000;
      auto const first = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
        out.nanoseconds += (text[at] - '0') * unit;
      if (at == first) throw bad();
    }
    int offset = 0;
    if (char const zone = sign("Zz+-"); zone == '+' || zone == '-') {
      offset = number(2) * 3600;
      sign(":");
      offset += number(2) * 60;
      if (zone == '-') offset = -offset;
    }
    if (at != text.size()) throw bad();
    out.seconds = ::timegm(&parts) - offset;
    return out;
  }
};

}  // namespace strata
