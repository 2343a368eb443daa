#pragma once

#include <strata/error.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
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
    std::string out;
    append_to(out);
    return out;
  }

  /// As `str`, behind what is there: files hold thousands of times.
  void append_to(std::string& out) const {
    std::int64_t const day = (seconds >= 0 ? seconds : seconds - 86'399) / 86'400;
    auto const second = static_cast<int>(seconds - day * 86'400);
    // The calendar repeats every 146,097 days; years are counted from March, so that the leap day comes last.
    std::int64_t const shifted = day + 719'468;
    std::int64_t const era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    auto const of_era = static_cast<int>(shifted - era * 146'097);
    int const year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
    int const of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int const from_march = (5 * of_year + 2) / 153;
    int const month = from_march < 10 ? from_march + 3 : from_march - 9;
    auto const year = static_cast<int>(era * 400) + year_of_era + (month <= 2 ? 1 : 0);
    auto const put = [&](int value, int digits, char before) {
      char text[12];
      for (int i = digits; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
      if (before != '\0') out += before;
      out.append(text, static_cast<std::size_t>(digits));
    };
    put(year, 4, '\0');
    put(month, 2, '-');
    put(of_year - (153 * from_march + 2) / 5 + 1, 2, '-');
    put(second / 3600, 2, 'T');
    put(second / 60 % 60, 2, ':');
    put(second % 60, 2, ':');
    if (nanoseconds != 0) {
      put(nanoseconds, 9, '.');
      while (out.back() == '0') out.pop_back();
    }
    out += 'Z';
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
    std::int64_t const year =
        parts.tm_year + 2300 - (parts.tm_mon < 2 ? 1 : 0);  // from March, as above; 400 more
    std::int64_t const day = 365 * year + year / 4 - year / 100 + year / 400 +
                             (153 * ((parts.tm_mon + 10) % 12) + 2) / 5 + parts.tm_mday - 1;
    out.seconds =
        (day - 719'468 - 146'097) * 86'400 + parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec - offset;
    if (out.seconds < -62'167'219'200 || out.seconds > 253'402'300'799)
      throw bad();  // an offset led out of 0 to 9999
    return out;
  }
};

}  // namespace strata
