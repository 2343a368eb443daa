#pragma once

#include <strata/separate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::serializers::json {

/// Position of the parser in a JSON text. Only some events of the parser carry one; other tokens are counted,
/// and skipped on request. A request is linear in the text since the last token with a known position.
///
/// Only for text that the parser has already accepted.
class Position {
 public:
  explicit Position(std::string_view text) noexcept : text_(text) {}

  /// Notes a token without position: a bracket, `true`, `null`.
  void pass() noexcept { ++steps_; }

  /// Notes a string or a number.
  /// @param token  its characters; without position if the parser had to assemble them
  /// @param quote  length of the closing delimiter
  void pass(std::string_view token, std::size_t quote) noexcept;

  /// Offset after the last token.
  std::size_t behind() noexcept;

  /// Offset of the next token.
  std::size_t ahead() noexcept;

 private:
  void skip() noexcept { at_ = std::min(text_.find_first_not_of(" \t\n\r,:", at_), text_.size()); }

  void step() noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t steps_ = 0;  // tokens passed since `at_`
};

/// JSON text without white space between tokens.
std::string compact(std::string_view text);

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_position.ipp>
#endif
