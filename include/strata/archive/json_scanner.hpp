#pragma once

#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace strata::archive::detail {

/// Scans JSON (RFC 8259) of a known shape, token by token; each call skips leading white space. A call that
/// returns false found something else and leaves the position undefined. Linear; only `value` recurses, to a
/// bounded depth. Not safe for concurrent use.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  bool at_end();
  /// Skips a value of any type with at most `depth` nested arrays and objects.
  bool value(std::string& held, int depth = 16);

  /// Consumes this character, or this word, if it comes next.
  bool take(char c);
  bool take_word(std::string_view word);
  /// An integer; false for one with a fraction or of more than 64 bits.
  bool number(std::int64_t& value);
  /// Skips a string, number or word.
  bool scalar(std::string& held);
  /// A string's value, as a view of the text, or of `held` if it has escapes.
  bool string(std::string_view& value, std::string& held);

 private:
  void skip_space();
  bool continues(std::string_view word);
  bool escape(std::string& held);
  std::optional<std::uint32_t> code_unit();
  static void append_utf8(std::string& out, std::uint32_t point);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace strata::archive::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/json_scanner.ipp>
#endif
