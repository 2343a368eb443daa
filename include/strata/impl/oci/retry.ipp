#pragma once

#include <strata/oci/retry.hpp>
#include <strata/timestamp.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace strata::oci {

STRATA_INLINE Backoff::Backoff(RetryOptions const& options, Clock const& clock, std::stop_token stop)
    : options_(options), clock_(clock), stop_(std::move(stop)) {}

STRATA_INLINE bool Backoff::again(std::optional<std::chrono::seconds> asked) {
  if (++failures_ >= options_.tries) return false;
  auto const longest = options_.longest_wait.count();
  auto const doublings = std::min(failures_ - 1, 20);
  auto wait = std::min(options_.first_wait.count() << doublings, longest);
  wait -= std::uniform_int_distribution<std::int64_t>(0, wait / 2)(random_);
  if (asked) wait = std::clamp(std::chrono::milliseconds(*asked).count(), wait, longest);
  if (clock_.wait) {
    clock_.wait(std::chrono::milliseconds(wait), stop_);
  } else {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait_for(lock, stop_, std::chrono::milliseconds(wait), [] { return false; });
  }
  if (stop_.stop_requested()) throw Error(Errc::stopped, "waiting for a server");
  return true;
}

namespace detail {

STRATA_INLINE std::optional<std::int64_t> http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT")) return {};
  auto const month = static_cast<std::size_t>(std::ranges::find(months, text.substr(8, 3)) - months.begin());
  if (month == months.size()) return {};
  auto const number = std::to_string(month + 1);
  std::string stamp(text.substr(12, 4));
  stamp += (number.size() < 2 ? "-0" : "-") + number + '-';
  stamp += text.substr(5, 2);
  stamp += 'T';
  stamp += text.substr(17, 8);
  try {
    return Timestamp::parse(stamp + 'Z').seconds;
  } catch (Error const&) {
    return {};
  }
}

}  // namespace detail

STRATA_INLINE std::optional<std::chrono::seconds> retry_after(HttpHeaders const& headers, std::int64_t now) {
  auto const value = headers.find("Retry-After");
  if (!value) return {};
  constexpr std::int64_t day = 86'400;
  auto const text = detail::trimmed(*value);
  if (auto const seconds = detail::decimal(text))
    return std::chrono::seconds(std::min(static_cast<std::int64_t>(*seconds), day));
  auto const date = detail::http_date(text);
  if (!date) return {};
  return std::chrono::seconds(std::clamp(*date - now, std::int64_t{0}, day));
}

STRATA_INLINE bool is_temporary(int status) noexcept {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace strata::oci
