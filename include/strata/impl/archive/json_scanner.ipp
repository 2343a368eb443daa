#pragma once

#include <strata/archive/json_scanner.hpp>

#include <algorithm>
#include <charconv>

namespace strata::archive::detail {

STRATA_INLINE bool JsonScanner::at_end() {
  skip_space();
  return at_ == text_.size();
}

STRATA_INLINE bool JsonScanner::value(std::string& held, int depth) {
  if (depth == 0) return false;
  bool const object = take('{');
  if (!object && !take('[')) return scalar(held);
  char const end = object ? '}' : ']';
  if (take(end)) return true;
  do {
    std::string_view key;
    if (object && (!string(key, held) || !take(':'))) return false;
    if (!value(held, depth - 1)) return false;
  } while (take(','));
  return take(end);
}

STRATA_INLINE bool JsonScanner::take(char c) {
  skip_space();
  bool const there = at_ < text_.size() && text_[at_] == c;
  at_ += there ? 1 : 0;
  return there;
}

STRATA_INLINE bool JsonScanner::take_word(std::string_view word) {
  skip_space();
  return continues(word);
}

STRATA_INLINE bool JsonScanner::number(std::int64_t& value) {
  skip_space();
  auto const start = at_;
  while (at_ < text_.size() &&
         ((text_[at_] >= '0' && text_[at_] <= '9') || (at_ == start && text_[at_] == '-')))
    ++at_;
  auto const [end, failed] = std::from_chars(text_.data() + start, text_.data() + at_, value);
  return failed == std::errc{} && end == text_.data() + at_;
}

STRATA_INLINE bool JsonScanner::scalar(std::string& held) {
  std::string_view ignored;
  skip_space();
  if (at_ < text_.size() && text_[at_] == '"') return string(ignored, held);
  auto const start = at_;
  at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
  return at_ != start && text_.substr(start, at_ - start).find_first_of("{}[]\":") == std::string_view::npos;
}

STRATA_INLINE bool JsonScanner::string(std::string_view& value, std::string& held) {
  if (!take('"')) return false;
  auto const end = text_.find_first_of("\"\\", at_);
  if (end == std::string_view::npos) return false;
  if (text_[end] == '"') {
    value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  held.clear();
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] != '\\') {
      held += text_[at_++];
    } else if (!escape(held)) {
      return false;
    }
  }
  value = held;
  return take('"');
}

STRATA_INLINE void JsonScanner::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
}

STRATA_INLINE bool JsonScanner::continues(std::string_view word) {
  bool const there = text_.substr(at_).starts_with(word);
  at_ += there ? word.size() : 0;
  return there;
}

STRATA_INLINE bool JsonScanner::escape(std::string& held) {
  if (text_.size() - at_ < 2) return false;
  char const c = text_[at_ + 1];
  at_ += 2;
  static constexpr std::string_view from = "\"\\/bfnrt";
  static constexpr std::string_view to = "\"\\/\b\f\n\r\t";
  if (auto const i = from.find(c); i != std::string_view::npos) {
    held += to[i];
    return true;
  }
  if (c != 'u') return false;
  auto point = code_unit();
  if (point && *point >= 0xd800 && *point < 0xdc00 && continues("\\u")) {
    auto const low = code_unit();
    if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
    point = 0x10000 + ((*point - 0xd800) << 10U) + (*low - 0xdc00);
  }
  if (!point || (*point >= 0xd800 && *point < 0xe000)) return false;
  append_utf8(held, *point);
  return true;
}

STRATA_INLINE std::optional<std::uint32_t> JsonScanner::code_unit() {
  std::uint32_t value = 0;
  auto const digits = text_.substr(at_, 4);
  auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || failed != std::errc{} || end != digits.data() + 4) return {};
  at_ += 4;
  return value;
}

STRATA_INLINE void JsonScanner::append_utf8(std::string& out, std::uint32_t point) {
  auto const put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6U));
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3f));
    put(0x80 | ((point >> 6U) & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

}  // namespace strata::archive::detail
