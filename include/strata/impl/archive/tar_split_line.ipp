#pragma once

#include <strata/archive/tar_split_line.hpp>

#include <algorithm>
#include <charconv>

namespace strata::archive {

STRATA_INLINE bool is_utf8(std::string_view text) noexcept {
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

STRATA_INLINE void append_json_escaped(std::string& out, std::string_view text) {
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

}  // namespace strata::archive

namespace strata::archive::detail {

STRATA_INLINE bool TarSplitLineParser::parse() {
  std::int64_t type = 0;
  std::string raw_name;
  bool has_raw_name = false;
  out_.name.clear();
  out_.size = 0;
  out_.payload = {};
  if (!take('{')) return false;
  if (take('}')) return false;  // no "type"
  do {
    std::string_view key;
    std::string held;
    if (!string(key, held) || !take(':')) return false;
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
  if (has_raw_name && !raw_name.empty()) out_.name = raw_name;
  out_.type = static_cast<TarSplitLine::Type>(type);
  return at_end() && (type == 1 || type == 2) && out_.size >= 0;
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE bool parse_tar_split_line(std::string_view line, TarSplitLine& out) {
  // Fast path: nearly all bytes are in segments, and all known writers begin these like this.
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
