#pragma once

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
  void pass(std::string_view token, std::size_t quote) noexcept {
    auto const offset =
        reinterpret_cast<std::uintptr_t>(token.data()) - reinterpret_cast<std::uintptr_t>(text_.data());
    if (offset >= text_.size()) return pass();
    at_ = offset + token.size() + quote;
    steps_ = 0;
  }

  /// Offset after the last token.
  std::size_t behind() noexcept {
    for (; steps_ > 0; --steps_) step();
    return at_;
  }

  /// Offset of the next token.
  std::size_t ahead() noexcept {
    behind();
    skip();
    return at_;
  }

 private:
  void skip() noexcept { at_ = std::min(text_.find_first_not_of(" \t\n\r,:", at_), text_.size()); }

  void step() noexcept {
    skip();
    if (at_ == text_.size()) return;
    char const first = text_[at_++];
    if (first == '"') {
      while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
      at_ = std::min(at_ + 1, text_.size());
    } else if (std::string_view("[]{}").find(first) == std::string_view::npos) {
      at_ = std::min(text_.find_first_of(" \t\n\r,:[]{}", at_), text_.size());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t steps_ = 0;  // tokens passed since `at_`
};

/// JSON text without white space between tokens.
inline std::string compact(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\' && i + 1 < text.size())
      out += text[i++];
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && std::string_view(" \t\n\r").find(text[i]) != std::string_view::npos)
      continue;
    out += text[i];
  }
  return out;
}

}  // namespace strata::serializers::json
