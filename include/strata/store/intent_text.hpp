#pragma once

#include <charconv>
#include <string_view>

namespace strata::detail {

/// Parses an intent record: some lines, then arbitrary text.
class IntentText {
 public:
  /// @param text  must outlive this object
  explicit IntentText(std::string_view text) : rest_(text) {}

  std::string_view line() {
    auto const end = rest_.find('\n');
    auto const found = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    return found;
  }
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
