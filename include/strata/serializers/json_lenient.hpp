#pragma once

#include <strata/separate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Rewrites JSON that Go accepts and Boost.JSON (1.81) does not.
namespace strata::serializers::json {

namespace detail {

/// Code unit of `\uXXXX` at `at`; 0 if there is none.
unsigned escaped_code(std::string_view text, std::size_t at) noexcept;

/// End of the escape at `at`; an unpaired surrogate is replaced by U+FFFD.
std::size_t replace_half(std::string& text, std::size_t at);

/// End of the exponent at `at`; one beyond `int` is replaced by 0, since such a value is never used.
std::size_t replace_exponent(std::string& text, std::size_t at);

}  // namespace detail

/// Text of the same length with U+FFFD for unpaired surrogates and 0 for large exponents. Other errors stay.
std::string lenient(std::string_view text);

/// Replaces each byte that is not UTF-8 by U+FFFD, as Go does.
void replace_bad_utf8(std::string& text);

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_lenient.ipp>
#endif
