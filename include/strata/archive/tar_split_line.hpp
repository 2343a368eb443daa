#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/json_scanner.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace strata::archive {

/// True if `text` is valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

/// Appends UTF-8 text as the inside of a JSON string, escaped like Go's encoding/json.
void append_json_escaped(std::string& out, std::string_view text);

/// One line of a tar-split file.
struct TarSplitLine {
  enum class Type : std::int64_t { file = 1, segment = 2 };
  Type type = Type::segment;
  std::string name = {};          ///< of a file: the entry's name, as bytes
  std::int64_t size = 0;          ///< of a file
  std::string_view payload = {};  ///< base64; a view of the line or of `unescaped`
  std::string unescaped = {};
};

namespace detail {

/// Parses the JSON object of a line. Keys may come in any order; unknown keys with a string, number or word
/// as value are skipped.
class TarSplitLineParser : JsonScanner {
 public:
  TarSplitLineParser(std::string_view line, TarSplitLine& out) : JsonScanner(line), out_(out) {}

  /// @return false if the line is not such an object
  bool parse();

 private:
  TarSplitLine& out_;
};

}  // namespace detail

/// Parses one line; `out` reuses its memory from call to call.
/// @return false if the line is not a tar-split entry
/// Linear; a segment's text is scanned once.
bool parse_tar_split_line(std::string_view line, TarSplitLine& out);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_split_line.ipp>
#endif
