#pragma once

#include <strata/separate.hpp>

#include <charconv>
#include <string_view>

namespace strata::detail {

/// Parses an intent record: some lines, then arbitrary text.
class IntentText {
 public:
  /// @param text  must outlive this object
  explicit IntentText(std::string_view text) : rest_(text) {}

  std::string_view line();
  /// Next line as a number; 0 if it is not one.
  template <class Number>
  Number number() {
    auto const digits = line();
    Number value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace strata::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/intent_text.ipp>
#endif
