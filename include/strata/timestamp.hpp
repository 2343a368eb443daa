#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace strata {

/// A UTC time with nanosecond resolution, in the range of RFC 3339. The default is 0001-01-01T00:00:00Z, the
/// zero time of the records (Go's `time.Time{}`).
struct Timestamp {
  std::int64_t seconds = -62'135'596'800;  ///< since 1970-01-01T00:00:00Z
  std::int32_t nanoseconds = 0;            ///< 0 to 999,999,999; counts forward also before 1970

  auto operator<=>(Timestamp const&) const = default;

  [[nodiscard]] static Timestamp now() noexcept;

  /// Formats as RFC 3339 the way Go does: always `Z`, no trailing zeros in the fraction.
  std::string str() const;

  /// Writes `str()`.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Timestamp const& time) {
    out << time.str();
    return out;
  }

  /// Appends `str()` to `out`, without a temporary string: record files hold thousands of times.
  void append_to(std::string& out) const;

  /// Parses RFC 3339 with or without a fraction, with `Z` or a numeric offset. Digits after the ninth are
  /// dropped.
  /// @throws `Errc::corrupt_record`
  static Timestamp parse(std::string_view text);
};

}  // namespace strata

template <>
struct std::hash<strata::Timestamp> {
  std::size_t operator()(strata::Timestamp const& time) const noexcept {
    return std::hash<std::uint64_t>{}(static_cast<std::uint64_t>(time.seconds) * 1'000'000'007 +
                                      static_cast<std::uint64_t>(time.nanoseconds));
  }
};

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/timestamp.ipp>
#endif
