#pragma once

#include <strata/archive/base64.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace strata::archive {

/// True when all of `text` is UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) noexcept {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    auto const c = byte(i);
    if (c < 0x80) {
      ++i;
      continue;
    }
    std::size_t const more = c >= 0xc2 && c < 0xe0   ? 1
                             : (c & 0xf0U) == 0xe0   ? 2
                             : c >= 0xf0 && c < 0xf5 ? 3
                                                     : 0;
    if (more == 0 || text.size() - i <= more) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xc0U) != 0x80) return false;
    auto const second = byte(i + 1);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second >= 0x90))
      return false;
    i += more + 1;
  }
  return true;
}

/// Appends `text`, which is UTF-8, as the inside of a JSON string with the escapes of Go's encoding/json.
inline void append_json_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += hex[c >> 4U];
      out += hex[c & 15U];
    } else if (text.substr(i, 2) == "\xe2\x80" && i + 2 < text.size() && (text[i + 2] & '\xfe') == '\xa8') {
      out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";  // line and paragraph separator
      i += 2;
    } else {
      out += text[i];
    }
  }
}

/// One line of a tar-split file.
struct TarSplitLine {
  enum class Type : std::int64_t { file = 1, segment = 2 };
  Type type = Type::segment;
  std::string name = {};          ///< of a file: the bytes of the entry's name
  std::int64_t size = 0;          ///< of a file
  std::string_view payload = {};  ///< base64; points into the line, or into `unescaped`
  std::string unescaped = {};
};

namespace detail {

/// Reads the one JSON object of a line; keys in any order, unknown ones with a string, number or word as value are
/// passed over.
class TarSplitLineParser {
 public:
  TarSplitLineParser(std::string_view line, TarSplitLine& out) : text_(line), out_(out) {}

  /// @returns false where the line is not such an object
  bool parse() {
    std::int64_t type = 0;
    std::string raw_name;
    bool has_raw_name = false;
    out_.name.clear();
    out_.size = 0;
    out_.payload = {};
    if (!take('{')) return false;
    if (take('}')) return false;  // no type
    do {
      std::string_view key;
      std::string held;
      if (!string(key, held) || !take(':')) return false;
      skip_space();
      if (take_word("null")) continue;
      if (key == "type" || key == "size") {
        if (!number(key == "type" ? type : out_.size)) return false;
      } else if (key == "name") {
        std::string_view name;
        if (!string(name, held)) return false;
        out_.name = name;
      } else if (key == "name_raw") {
        std::string_view base64;
        if (!string(base64, held)) return false;
        raw_name.resize(base64.size() / 4 * 3);
        auto const size = base64_decode(base64, reinterpret_cast<std::byte*>(raw_name.data()));
        if (!size) return false;
        raw_name.resize(*size);
        has_raw_name = true;
      } else if (key == "payload") {
        if (!string(out_.payload, out_.unescaped)) return false;
      } else if (!scalar(held)) {
        return false;
      }
    } while (take(','));
    if (!take('}')) return false;
    skip_space();
    if (has_raw_name && !raw_name.empty()) out_.name = raw_name;
    out_.type = static_cast<TarSplitLine::Type>(type);
    return at_ == text_.size() && (type == 1 || type == 2) && out_.size >= 0;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    bool const there = at_ < text_.size() && text_[at_] == c;
    at_ += there ? 1 : 0;
    return there;
  }
  bool take_word(std::string_view word) {
    bool const there = text_.substr(at_).starts_with(word);
    at_ += there ? word.size() : 0;
    return there;
  }
  bool number(std::int64_t& value) {
    auto const start = at_;
    while (at_ < text_.size() &&
           ((text_[at_] >= '0' && text_[at_] <= '9') || (at_ == start && text_[at_] == '-')))
      ++at_;
    auto const [end, failed] = std::from_chars(text_.data() + start, text_.data() + at_, value);
    return failed == std::errc{} && end == text_.data() + at_;
  }
  bool scalar(std::string& held) {
    std::string_view ignored;
    if (at_ < text_.size() && text_[at_] == '"') return string(ignored, held);
    auto const start = at_;
    at_ = std::min(text_.find_first_of(",} \t", at_), text_.size());
    return at_ != start &&
           text_.substr(start, at_ - start).find_first_of("{}[]\":") == std::string_view::npos;
  }
  /// The value of a string: a part of the line, or of `held` if there are escapes.
  bool string(std::string_view& value, std::string& held) {
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
  bool escape(std::string& held) {
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
    if (point && *point >= 0xd800 && *point < 0xdc00 && take_word("\\u")) {
      auto const low = code_unit();
      if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
      point = 0x10000 + ((*point - 0xd800) << 10U) + (*low - 0xdc00);
    }
    if (!point || (*point >= 0xd800 && *point < 0xe000)) return false;
    append_utf8(held, *point);
    return true;
  }
  std::optional<std::uint32_t> code_unit() {
    std::uint32_t value = 0;
    auto const digits = text_.substr(at_, 4);
    auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 4 || failed != std::errc{} || end != digits.data() + 4) return {};
    at_ += 4;
    return value;
  }
  static void append_utf8(std::string& out, std::uint32_t point) {
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

  std::string_view text_;
  TarSplitLine& out_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Reads one line; `out` keeps its memory from line to line.
/// @returns false where the line is not a tar-split entry; linear, and a segment's text is looked at once
inline bool parse_tar_split_line(std::string_view line, TarSplitLine& out) {
  // Nearly all bytes of such a file are in segments, and all known writers begin them so.
  constexpr std::string_view start = R"({"type":2,"payload":")";
  constexpr std::string_view next = R"(,"position":)";
  if (line.starts_with(start) && line.ends_with('}')) {
    auto const text = line.substr(start.size());
    auto const position = text.rfind(next);
    if (position != std::string_view::npos && position != 0 && text[position - 1] == '"') {
      auto const digits = text.substr(position + next.size(), text.size() - position - next.size() - 1);
      if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos) {
        out.type = TarSplitLine::Type::segment;
        out.payload = text.substr(0, position - 1);
        if (out.payload.find('"') == std::string_view::npos &&
            out.payload.find('\\') == std::string_view::npos)
          return true;
      }
    }
  }
  return detail::TarSplitLineParser(line, out).parse();
}

}  // namespace strata::archive
