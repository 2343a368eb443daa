#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <isa-l/igzip_lib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// Compresses text into one gzip member with ISA-L, at more than 1 GB/s, on the caller's thread. Not safe for
/// concurrent use.
class GzipTextWriter {
 public:
  static constexpr std::size_t capacity = 128U * 1024;

  explicit GzipTextWriter(Writer& out);

  void append(std::string_view text);

  /// A buffer for `size` characters, at most `capacity`; fill it, then call `advance()`.
  char* room(std::size_t size);
  void advance(std::size_t size) noexcept { used_ += size; }

  /// Writes the remaining text and the trailer. Nothing can be appended afterwards.
  void finish();

 private:
  void deflate();

  Writer& out_;
  std::unique_ptr<char[]> text_;
  std::size_t used_ = 0;
  std::unique_ptr<std::uint8_t[]> packed_;
  std::unique_ptr<std::uint8_t[]> level_;
  std::unique_ptr<isal_zstream> stream_;
};

/// Reads lines from gzip data of one or more members, verifying lengths and checksums. Not safe for
/// concurrent use.
class GzipLineReader {
 public:
  /// @param limit longest line in bytes; a longer one counts as damage
  explicit GzipLineReader(Reader& in, std::size_t limit = std::size_t{256} << 20U);

  /// The next line without its newline, valid until the next call; empty at the end.
  /// @throws `Errc::corrupt_tar_split`: empty, truncated or damaged gzip data
  std::optional<std::string_view> next();

 private:
  static Error damaged(std::string const& what);

  /// Appends decompressed text; false at the end of the input.
  bool inflate();

  Reader& in_;
  std::size_t limit_;
  std::string text_ = {};
  std::size_t begin_ = 0;  // start of the unread text
  std::size_t end_ = 0;
  std::unique_ptr<inflate_state> state_;
  isal_gzip_header header_ = {};
  bool within_ = false;     // a member
  bool in_header_ = false;  // of that member
  std::uint64_t members_ = 0;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/gzip_lines.ipp>
#endif
