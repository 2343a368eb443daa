#pragma once

#include <strata/oci/build_time.hpp>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace strata::oci {

STRATA_INLINE Timestamp build_time() {
  auto const* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == 0) return Timestamp::now();
  std::string_view const given(text);
  std::int64_t seconds = 0;
  auto const [end, error] = std::from_chars(given.data(), given.data() + given.size(), seconds);
  if (error != std::errc() || end != given.data() + given.size() || seconds < 0)
    throw Error(std::make_error_code(std::errc::invalid_argument), "SOURCE_DATE_EPOCH " + std::string(given));
  return {.seconds = seconds, .nanoseconds = 0};
}

}  // namespace strata::oci
