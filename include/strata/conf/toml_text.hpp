#pragma once

#include <strata/serializers/json_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Detects input that toml++ 3.3 cannot handle: it aborts on a table header that begins with anything but a
/// key ("[=]", "[ ") and on a "}" in place of a list element ("[}"), has undefined behaviour for most
/// non-ASCII letters outside strings, and recurses once for each dot of a key.
namespace strata::conf {

/// A syntax error, in the words of BurntSushi/toml.
struct TomlFlaw {
  std::uint64_t line = 0;
  std::string what = {};
  bool in_value = false;  ///< after a key, on its line
};

namespace toml_detail {

/// Scans a text just far enough to tell strings and comments from the rest.
class TomlScanner {
 public:
  explicit TomlScanner(std::string_view text) : text_(text) {}

  std::optional<TomlFlaw> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    while (!flaw_ && at_ < text_.size()) step();
    return flaw_;
  }

 private:
  static constexpr std::size_t most_dots = 1000;  // per header, and per value with its key; real files have 3

  void step() {
    char const c = text_[at_];
    auto const byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      ++line_;
      ++at_;
      if (open_.empty()) fresh_ = true, in_value_ = false, dots_ = 0;
    } else if (c == ' ' || c == '\t' || text_.substr(at_, 2) == "\r\n") {
      ++at_;
    } else if (is_control(byte)) {
      refuse_control(byte);
    } else if (c == '#') {
      pass([](char next) { return next != '\n'; });
    } else if (c == '"' || c == '\'') {
      fresh_ = wants_value_ = false;
      string(c);
    } else if (byte >= 0x80) {
      refuse_character();
    } else if (fresh_ && c == '[') {
      fresh_ = false;
      header();
    } else {
      fresh_ = false;
      if (c == '=' && open_.empty()) in_value_ = true;
      if (in_value_) bracket(c);
      if (c == '.' && ++dots_ > most_dots)
        refuse("key with more than " + std::to_string(most_dots) + " dots");
      ++at_;
    }
  }

  void bracket(char c) {
    if (c == '}' && wants_value_) return refuse("expected value but found '}' instead");
    if (c == '[' || c == '{') open_ += c;
    if ((c == ']' || c == '}') && !open_.empty()) open_.pop_back();
    wants_value_ = c == '[' || (c == ',' && open_.ends_with('['));
  }

  void header() {
    at_ += text_.substr(at_, 2) == "[[" ? 2 : 1;
    at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    if (at_ == text_.size()) return;
    char const c = text_[at_];
    auto const byte = static_cast<unsigned char>(c);
    bool const bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (bare || std::string_view("-_\"']").find(c) != std::string_view::npos) return;
    if (c == '.') return refuse("unexpected table separator (table names cannot be empty)");
    if (c == '\n' || c == '\r') return refuse("expected '.' or ']' to end table name, but got '\\n' instead");
    if (is_control(byte)) return refuse_control(byte);
    in_header_ = true;
    refuse_character();
  }

  /// Ends the scan at an unterminated string, where toml++ fails as well.
  void string(char quote) {
    bool const many_lines = text_.substr(at_, 3) == std::string(3, quote);
    at_ += many_lines ? 3 : 1;
    while (!flaw_ && at_ < text_.size()) {
      char const c = text_[at_];
      auto const byte = static_cast<unsigned char>(c);
      if (c == '\n') {
        if (!many_lines)
          at_ = text_.size();
        else
          ++line_, ++at_;
      } else if (is_control(byte) && text_.substr(at_, 2) != "\r\n") {
        refuse_control(byte);
      } else if (c == '\\' && quote == '"') {
        at_ += at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
      } else if (c != quote) {
        ++at_;
      } else if (!many_lines) {
        ++at_;
        return;
      } else if (text_.substr(at_, 3) == std::string(3, quote)) {
        at_ += 3;
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  template <class While>
  void pass(While&& go_on) {
    for (; !flaw_ && at_ < text_.size() && go_on(text_[at_]); ++at_) {
      auto const byte = static_cast<unsigned char>(text_[at_]);
      if (is_control(byte) && text_.substr(at_, 2) != "\r\n") refuse_control(byte);
    }
  }

  static bool is_control(unsigned char byte) noexcept {
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
  }

  void refuse_control(unsigned char byte) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(byte));
    refuse(std::string("TOML files cannot contain control characters: '") + hex + '\'');
  }

  /// Rejects a character where only a key, a value or punctuation can be.
  void refuse_character() {
    auto const* const here = text_.data() + at_;
    auto const length = serializers::json::utf8_length(here, text_.data() + text_.size());
    if (length == 0) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(*here)));
      return refuse(std::string("invalid UTF-8 byte: ") + hex);
    }
    std::string const character(here, length);
    if (in_header_)
      return refuse("expected '.' or ']' to end table name, but got '" + character + "' instead");
    if (in_value_) return refuse("expected value but found \"" + character + "\" instead");
    refuse("expected '.' or '=', but got '" + character + "' instead");
  }

  void refuse(std::string what) {
    flaw_ = TomlFlaw{.line = line_, .what = std::move(what), .in_value = in_value_};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  bool fresh_ = true;  ///< only blanks on this line so far
  bool in_header_ = false;
  bool in_value_ = false;
  std::string open_ = {};     ///< open brackets of a value
  bool wants_value_ = false;  ///< a list element or the end of the list must follow
  std::size_t dots_ = 0;
  std::optional<TomlFlaw> flaw_ = {};
};

}  // namespace toml_detail

/// First place that toml++ must not see. Not finding one does not mean that the text is valid. Linear.
inline std::optional<TomlFlaw> find_toml_flaw(std::string_view text) {
  return toml_detail::TomlScanner(text).run();
}

}  // namespace strata::conf
