#pragma once

#include <strata/item/record.hpp>
#include <strata/timestamp.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// JSON as Go's encoding/json prints it: compact, members in declaration order, keys of maps in bytewise order, and
/// `<`, `>`, `&` escaped, so that scripts made for the Go program see the same bytes.
namespace oci_storage::json {

/// One character of well-formed UTF-8 at the front of `text`, or `length` 0 for a byte that starts none.
struct Utf8 {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

inline Utf8 first_character(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  std::size_t const length = byte(0) >= 0xf0 && byte(0) <= 0xf4   ? 4
                             : byte(0) >= 0xe0 && byte(0) <= 0xef ? 3
                             : byte(0) >= 0xc2 && byte(0) <= 0xdf ? 2
                                                                  : 0;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t code = byte(0) & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

inline void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15u];
}

/// How many characters at the front stand for themselves in JSON.
inline std::size_t plain_length(std::string_view text) {
  static constexpr auto plain = [] {
    std::array<bool, 256> out{};
    for (std::size_t c = 0x20; c < 0x80; ++c)
      out[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
    return out;
  }();
  std::size_t at = 0;
  while (at < text.size() && plain[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

inline void append(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    if (auto const plain = plain_length(text); plain > 0) {
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      continue;
    }
    auto const [code, length] = first_character(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    switch (code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (code < 0x20 || code == '<' || code == '>' || code == '&' || code == 0x2028 || code == 0x2029) {
          out += "\\u";
          append_hex(out, code, 4);
        } else {
          out += text.substr(0, length);
        }
    }
    text.remove_prefix(length);
  }
  out += '"';
}
inline void append(std::string& out, std::string const& text) { append(out, std::string_view(text)); }
inline void append(std::string& out, char const* text) { append(out, std::string_view(text)); }

inline void append(std::string& out, bool value) { out += value ? "true" : "false"; }
template <std::integral N>
requires(!std::same_as<N, bool>) void append(std::string& out, N number) { out += std::to_string(number); }

inline void append(std::string& out, strata::Timestamp const& time) { append(out, time.str()); }
inline void append(std::string& out, strata::RawJson const& value) { out += value.text; }

template <class T>
concept Fielded = requires(T const& record) {
  T::fields(record, [](auto&&...) {});
};

template <class T>
void append(std::string& out, std::vector<T> const& list);
template <class T>
void append(std::string& out, std::map<std::string, T> const& map);

inline bool is_empty(strata::Timestamp const&) { return false; }
template <std::integral N>
bool is_empty(N number) {
  return number == 0;
}
template <class T>
requires requires(T const& value) { value.empty(); }
bool is_empty(T const& value) { return value.empty(); }

/// Builds one object, member by member.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  Object(Object const&) = delete;
  Object& operator=(Object const&) = delete;
  ~Object() { out_ += '}'; }

  template <class T>
  Object& member(std::string_view key, T const& value) {
    if (!first_) out_ += ',';
    first_ = false;
    append(out_, key);
    out_ += ':';
    append(out_, value);
    return *this;
  }
  template <class T>
  Object& member_if_set(std::string_view key, T const& value) {
    return is_empty(value) ? *this : member(key, value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

/// A record, by its own list of fields.
template <Fielded T>
void append(std::string& out, T const& record) {
  Object object(out);
  T::fields(record, [&](std::string_view key, auto const& value, strata::Presence presence) {
    if (presence == strata::Presence::always || !is_empty(value)) object.member(key, value);
  });
}

template <class T>
void append(std::string& out, std::vector<T> const& list) {
  out += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i != 0) out += ',';
    append(out, list[i]);
  }
  out += ']';
}

template <class T>
void append(std::string& out, std::map<std::string, T> const& map) {
  Object object(out);
  for (auto const& [key, value] : map) object.member(key, value);
}

/// The records of items, as a list.
template <class Item>
std::string records_text(std::vector<Item> const& items) {
  std::string out = "[";
  for (auto const& item : items) {
    if (out.size() > 1) out += ',';
    append(out, item.record());
  }
  return out += ']';
}

template <class T>
std::string text(T const& value) {
  std::string out;
  append(out, value);
  return out;
}

/// A list that Go keeps in a nil slice when nothing was put into it.
template <class T>
std::string text_or_null(std::vector<T> const& list) {
  return list.empty() ? "null" : text(list);
}

}  // namespace oci_storage::json
