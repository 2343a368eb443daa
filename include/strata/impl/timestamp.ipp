#pragma once

#include <strata/timestamp.hpp>

namespace strata {

STRATA_INLINE Timestamp Timestamp::now() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return {t.tv_sec, static_cast<std::int32_t>(t.tv_nsec)};
}

STRATA_INLINE std::string Timestamp::str() const {
  std::string out;
  append_to(out);
  return out;
}

STRATA_INLINE void Timestamp::append_to(std::string& out) const {
  std::int64_t const day = (seconds >= 0 ? seconds : seconds - 86'399) / 86'400;
  auto const second = static_cast<int>(seconds - day * 86'400);
  // The calendar repeats every 146,097 days (400 years). Years start in March here, so that the leap day is
  // last.
  std::int64_t const shifted = day + 719'468;
  std::int64_t const era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  auto const of_era = static_cast<int>(shifted - era * 146'097);
  int const year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
  int const of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int const from_march = (5 * of_year + 2) / 153;
  int const month = from_march < 10 ? from_march + 3 : from_march - 9;
  auto const year = static_cast<int>(era * 400) + year_of_era + (month <= 2 ? 1 : 0);
  char text[40];
  char* end = text;
  auto const put = [&end](int value, int digits, char behind) {
    for (int i = digits; i-- > 0; value /= 10) end[i] = static_cast<char>('0' + value % 10);
    end += digits;
    *end++ = behind;
  };
  put(year, 4, '-');
  put(month, 2, '-');
  put(of_year - (153 * from_march + 2) / 5 + 1, 2, 'T');
  put(second / 3600, 2, ':');
  put(second / 60 % 60, 2, ':');
  put(second % 60, 2, nanoseconds != 0 ? '.' : 'Z');
  if (nanoseconds != 0) {
    put(nanoseconds, 9, 'Z');
    for (; end[-2] == '0'; --end) end[-2] = 'Z';
  }
  out.append(text, end);
}

STRATA_INLINE Timestamp Timestamp::parse(std::string_view text) {
  auto const bad = [&] { return Error(Errc::corrupt_record, "time \"" + std::string(text) + "\""); };
  auto const number = [&](std::size_t from, std::size_t digits) {
    int value = 0;
    for (std::size_t i = from; i < from + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') throw bad();
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':')
    throw bad();
  int const month = number(5, 2);
  int const day_of_month = number(8, 2);
  int const hour = number(11, 2);
  int const minute = number(14, 2);
  int const second = number(17, 2);
  if (month < 1 || month > 12 || day_of_month < 1 || day_of_month > 31 || hour > 23 || minute > 59 ||
      second > 60)
    throw bad();
  std::size_t at = 19;
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
  char const zone = at < text.size() ? text[at++] : '\0';
  if (zone == '+' || zone == '-') {
    if (text.size() - at != 5 || text[at + 2] != ':') throw bad();
    offset = number(at, 2) * 3600 + number(at + 3, 2) * 60;
    if (zone == '-') offset = -offset;
  } else if ((zone != 'Z' && zone != 'z') || at != text.size()) {
    throw bad();
  }
  // Years start in March, as above; 400 years are added to keep the count non-negative.
  std::int64_t const year = number(0, 4) + 400 - (month <= 2 ? 1 : 0);
  std::int64_t const day =
      365 * year + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day_of_month - 1;
  out.seconds = (day - 719'468 - 146'097) * 86'400 + hour * 3600 + minute * 60 + second - offset;
  if (out.seconds < -62'167'219'200 || out.seconds > 253'402'300'799)
    throw bad();  // the offset leads out of the years 0 to 9999
  return out;
}

}  // namespace strata
