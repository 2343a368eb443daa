#pragma once

#include <strata/serializers/json_position.hpp>

namespace strata::serializers::json {

STRATA_INLINE void Position::pass(std::string_view token, std::size_t quote) noexcept {
  auto const offset =
      reinterpret_cast<std::uintptr_t>(token.data()) - reinterpret_cast<std::uintptr_t>(text_.data());
  if (offset >= text_.size()) return pass();
  at_ = offset + token.size() + quote;
  steps_ = 0;
}

STRATA_INLINE std::size_t Position::behind() noexcept {
  for (; steps_ > 0; --steps_) step();
  return at_;
}

STRATA_INLINE std::size_t Position::ahead() noexcept {
  behind();
  skip();
  return at_;
}

STRATA_INLINE void Position::step() noexcept {
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

STRATA_INLINE std::string compact(std::string_view text) {
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
