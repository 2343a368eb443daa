#pragma once

#include <strata/error.hpp>
#include <strata/oci/transport.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <stop_token>
#include <string_view>

namespace strata::oci {

/// How often a request is tried, and how long is waited in between.
struct RetryOptions {
  int tries = 5;                                                          ///< in all, with the first one
  std::chrono::milliseconds first_wait = std::chrono::milliseconds(500);  ///< doubled each time
  /// Also of what a server asks for.
  std::chrono::milliseconds longest_wait = std::chrono::seconds(60);
};

/// The time, for code that waits and for what expires. Tests have their own.
struct Clock {
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
  /// Waits, or until the token is triggered.
  std::function<void(std::chrono::milliseconds, std::stop_token)> wait = {};  // empty: for real
};

/// Waits between tries: twice as long each time, and a random part less, so that those who failed together do not
/// come back together. Not safe for concurrent use.
class Backoff {
 public:
  /// @param options  outlive the object, and so does the clock
  Backoff(RetryOptions const& options, Clock const& clock, std::stop_token stop);

  /// Waits before the next try, if there is one.
  /// @param asked  what the server wants, see `retry_after`
  /// @return  false if this was the last one
  /// @throws `Errc::stopped`
  bool again(std::optional<std::chrono::seconds> asked = {});
  /// The next failure counts as the first one.
  void succeeded() noexcept { failures_ = 0; }

 private:
  RetryOptions const& options_;
  Clock const& clock_;
  std::stop_token stop_;
  int failures_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

/// The `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3); none if it is absent or malformed.
/// @param now  seconds since 1970
std::optional<std::chrono::seconds> retry_after(HttpHeaders const& headers, std::int64_t now);

/// True for answers after which the same request may succeed: 408, 429, and those of a server that is out of order.
bool is_temporary(int status) noexcept;

namespace detail {

/// "Sun, 06 Nov 1994 08:49:37 GMT" as seconds since 1970.
std::optional<std::int64_t> http_date(std::string_view text);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/retry.ipp>
#endif
