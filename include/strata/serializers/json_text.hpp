#pragma once

#include <strata/error.hpp>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// JSON as text (RFC 8259), read and written without a tree in between. Records of thousands of items are read
/// in one pass over the file, straight into their members; a general parser that reports events to a handler
/// takes several times as long, which opening a store would feel.
namespace strata::serializers::json {

/// What becomes of bytes in a string that are not UTF-8.
enum class BadUtf8 {
  replace,  ///< U+FFFD for each byte, as Go's encoding/json does
  keep,     ///< as they are, which is not JSON any more
};

/// Length of the well-formed UTF-8 sequence at `at` (RFC 3629: no surrogates, shortest form), 0 if there is none.
inline std::size_t utf8_length(char const* at, char const* end) noexcept {
  auto const byte = [&](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
  auto const tail = [&](std::ptrdiff_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  auto const left = end - at;
  if (left < 1) return 0;
  unsigned const lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    return (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    return (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F) ? 0 : 4;
  }
  return 0;
}

namespace detail {

constexpr std::uint64_t eight(unsigned char byte) noexcept { return 0x0101010101010101U * byte; }

/// The first of [at, end) that is a control character, not ASCII, or one of `Special`; many bytes at a step.
template <char... Special>
char const* find_special(char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    auto wanted = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // signed: what is not ASCII is below as well
    ((wanted = _mm_or_si128(wanted, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(Special)))), ...);
    if (auto const hits = static_cast<unsigned>(_mm_movemask_epi8(wanted)); hits != 0)
      return at + std::countr_zero(hits);
  }
#endif
  for (; end - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    // The top bit of a byte is set where the byte is wanted; a borrow can only spoil bytes behind such a one.
    std::uint64_t const hits = (word | (word - eight(0x20)) |
                                (((word ^ eight(static_cast<unsigned char>(Special))) - eight(1)) | ...)) &
                               eight(0x80);
    if (hits == 0) continue;
    if constexpr (std::endian::native == std::endian::little)
      return at + std::countr_zero(hits) / 8;
    else
      break;
  }
  for (; at != end; ++at) {
    auto const byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte >= 0x80 || ((*at == Special) || ...)) break;
  }
  return at;
}

}  // namespace detail

/// Appends a string literal exactly as Go's encoding/json writes it: `<`, `>`, `&`, U+2028 and U+2029 as escapes,
/// control characters too (`\n`, `\r`, `\t` by name), all other characters as they are.
inline void write_string(std::string& out, std::string_view text, BadUtf8 bad = BadUtf8::replace) {
  static constexpr char hex[] = "0123456789abcdef";
  char const* at = text.data();
  char const* const end = at + text.size();
  out += '"';
  for (;;) {
    char const* const stop = detail::find_special<'"', '\\', '<', '>', '&'>(at, end);
    out.append(at, stop);
    at = stop;
    if (at == end) break;
    auto const byte = static_cast<unsigned char>(*at);
    if (byte >= 0x80) {
      std::size_t const length = utf8_length(at, end);
      if (length == 0) {
        if (bad == BadUtf8::keep)
          out += *at;
        else
          out += "\\ufffd";
        ++at;
        continue;
      }
      std::string_view const character(at, length);
      if (character == "\xE2\x80\xA8")
        out += "\\u2028";
      else if (character == "\xE2\x80\xA9")
        out += "\\u2029";
      else
        out += character;
      at += length;
      continue;
    }
    ++at;
    switch (byte) {
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
        out += "\\u00";
        out += hex[byte >> 4];
        out += hex[byte & 15];
    }
  }
  out += '"';
}

/// Thrown by `Scanner` where the text is JSON, but not of the type that was asked for.
struct WrongType {};

/// Reads JSON values one after the other. Text that is not JSON: `Errc::corrupt_record`, with its position.
class Scanner {
 public:
  explicit Scanner(std::string_view text, BadUtf8 bad = BadUtf8::replace)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), bad_(bad) {}

  [[noreturn]] void fail(std::string_view expected) const {
    throw Error(Errc::corrupt_record,
                "byte " + std::to_string(at_ - begin_) + ": " + std::string(expected) + " expected");
  }

  char const* position() const noexcept { return at_; }
  void rewind(char const* to) noexcept { at_ = to; }

  /// The next character that is not white space, which it stands at afterwards; NUL at the end.
  char peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
      ++at_;
      spaced_ = true;
    }
    return at_ != end_ ? *at_ : '\0';
  }
  bool at_end() { return peek() == '\0' && at_ == end_; }

  bool take(char wanted) {
    if (peek() != wanted || at_ == end_) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail(std::string("\"") + wanted + '"');
  }

  /// Takes `"<key>":` if just that comes next. A key written in another way is left for `read_string`.
  bool take_key(std::string_view key) {
    peek();
    if (static_cast<std::size_t>(end_ - at_) < key.size() + 3) return false;
    char const* const behind = at_ + 1 + key.size();
    if (*at_ != '"' || behind[0] != '"' || behind[1] != ':' ||
        std::memcmp(at_ + 1, key.data(), key.size()) != 0)
      return false;
    at_ = behind + 2;
    return true;
  }

  bool take_null() {
    if (peek() != 'n') return false;
    literal("null");
    return true;
  }

  /// A string's characters: a view of the text where it has no escapes, else of `scratch`.
  std::string_view read_string(std::string& scratch) {
    if (peek() != '"') wrong_type();
    char const* const first = ++at_;
    at_ = detail::find_special<'"', '\\'>(at_, end_);
    if (at_ != end_ && *at_ == '"') return {first, static_cast<std::size_t>(at_++ - first)};
    scratch.assign(first, at_);
    for (; at_ != end_ && *at_ != '"';) {
      if (*at_ == '\\') {
        ++at_;
        unescape(scratch);
      } else if (auto const byte = static_cast<unsigned char>(*at_); byte < 0x20) {
        fail("character of a string");
      } else if (byte >= 0x80) {
        std::size_t const length = utf8_length(at_, end_);
        if (length == 0 && bad_ == BadUtf8::replace)
          scratch += "\xEF\xBF\xBD";
        else
          scratch.append(at_, length == 0 ? 1 : length);
        at_ += length == 0 ? 1 : length;
      }
      char const* const run = at_;
      at_ = detail::find_special<'"', '\\'>(at_, end_);
      scratch.append(run, at_);
    }
    if (at_ == end_) fail("\"");
    ++at_;
    return scratch;
  }

  /// @throws `WrongType` for a fraction, an exponent, and what does not fit
  template <class Integer>
  Integer read_integer() {
    char const first = peek();
    if (first != '-' && (first < '0' || first > '9')) wrong_type();
    // Nearly all are a few digits and no more.
    char const* const start = at_;
    char const* const digits = start + (first == '-' ? 1 : 0);
    char const* const limit = end_ - digits > 18 ? digits + 18 : end_;
    std::int64_t magnitude = 0;
    char const* behind = digits;
    for (; behind != limit && *behind >= '0' && *behind <= '9'; ++behind)
      magnitude = magnitude * 10 + (*behind - '0');
    if (behind != digits && behind != limit && *behind != '.' && *behind != 'e' && *behind != 'E' &&
        (*digits != '0' || behind == digits + 1)) {
      at_ = behind;
      std::int64_t const value = first == '-' ? -magnitude : magnitude;
      if (!std::in_range<Integer>(value)) throw WrongType{};
      return static_cast<Integer>(value);
    }
    skip_number();
    Integer value{};
    auto const [stop, error] = std::from_chars(start, at_, value);
    if (error != std::errc{} || stop != at_) throw WrongType{};
    return value;
  }

  /// Any value as text, white space between its parts left out.
  void read_raw(std::string& out) {
    peek();
    bool const before = spaced_;
    spaced_ = false;
    char const* const start = at_;
    skip_value();
    if (!spaced_) {
      out.assign(start, at_);
    } else {
      out.clear();
      bool quoted = false;
      for (char const* c = start; c != at_; ++c) {
        if (quoted && *c == '\\') {
          out += *c++;
        } else if (*c == '"') {
          quoted = !quoted;
        } else if (!quoted && (*c == ' ' || *c == '\n' || *c == '\t' || *c == '\r')) {
          continue;
        }
        out += *c;
      }
    }
    spaced_ = before;
  }

  /// Checks that a value of any type comes next, and passes over it. As Go, takes a nesting of 10,000 at most.
  void skip_value() {
    std::string open;  // the brackets that close what is open
    auto const key = [this] {
      if (peek() != '"') fail("key");
      skip_string();
      expect(':');
    };
    for (;;) {
      char const c = peek();
      if (c == '{' || c == '[') {
        if (open.size() == 10'000) fail("end of the nesting");
        ++at_;
        open += c == '{' ? '}' : ']';
        if (peek() != open.back()) {
          if (c == '{') key();
          continue;
        }
      } else if (c == '"') {
        skip_string();
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        skip_number();
      } else {
        literal(c == 't' ? "true" : c == 'f' ? "false" : c == 'n' ? "null" : "");
      }
      while (!open.empty() && take(open.back())) open.pop_back();
      if (open.empty()) return;
      if (!take(',')) fail(std::string("\",\" or \"") + open.back() + '"');
      if (open.back() == '}') key();
    }
  }

 private:
  /// For a value that is JSON, but another type than wanted: the caller will pass over it and find out whether it is.
  [[noreturn]] void wrong_type() const {
    if (at_ == end_) fail("value");
    throw WrongType{};
  }

  void literal(std::string_view word) {
    if (word.empty() || static_cast<std::size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0)
      fail("value");
    at_ += word.size();
  }

  void skip_number() {
    auto const digits = [this] {
      if (at_ == end_ || *at_ < '0' || *at_ > '9') fail("digit");
      while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    };
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0')
      ++at_;
    else
      digits();
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      digits();
    }
  }

  void skip_string() {
    std::string unused;
    read_string(unused);
  }

  unsigned read_hex4() {
    unsigned value = 0;
    if (end_ - at_ < 4) fail("four hexadecimal digits");
    auto const [stop, error] = std::from_chars(at_, at_ + 4, value, 16);
    if (error != std::errc{} || stop != at_ + 4) fail("four hexadecimal digits");
    at_ += 4;
    return value;
  }

  /// Behind a backslash. Half a surrogate pair becomes U+FFFD.
  void unescape(std::string& out) {
    if (at_ == end_) fail("escape");
    switch (*at_++) {
      case '"':
        out += '"';
        return;
      case '\\':
        out += '\\';
        return;
      case '/':
        out += '/';
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        --at_;
        fail("escape");
    }
    unsigned code = read_hex4();
    if (code >= 0xD800 && code <= 0xDFFF) {
      unsigned low = 0;
      char const* const behind = at_;
      if (code <= 0xDBFF && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
        at_ += 2;
        low = read_hex4();
      }
      if (low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = behind;
        code = 0xFFFD;
      }
    }
    auto const put = [&](unsigned byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | code >> 6);
      put(0x80 | (code & 63));
    } else if (code < 0x10000) {
      put(0xE0 | code >> 12);
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 63));
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    }
  }

  char const* begin_;
  char const* at_;
  char const* end_;
  BadUtf8 bad_;
  bool spaced_ = false;  // white space was passed over
};

}  // namespace strata::serializers::json
