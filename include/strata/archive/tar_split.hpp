#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/crc64.hpp>
#include <strata/archive/gzip_lines.hpp>
#include <strata/archive/name_set.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split_line.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace strata::archive {

/// Writes tar-split data, from which `assemble` rebuilds an archive bit for bit out of a layer's files:
/// gzip-compressed lines of JSON in the format of github.com/vbatts/tar-split, with all bytes that are not
/// payload and a CRC-64 of each payload.
///
/// Attach it to a `TarReader` as observer. Two entries with equal cleaned names cannot be told apart when the
/// archive is rebuilt: `Errc::corrupt_archive`. For a sparse file all stored bytes are kept; Go's reader of
/// the format knows only whole files and rebuilds the same archive from them. Memory: a few hundred KiB plus
/// 32 bytes per entry. Not safe for concurrent use.
///
///     archive::TarSplitWriter split(out);
///     archive::TarReader tar(in, {}, &split);  // to be read to its end
///     split.finish();
class TarSplitWriter final : public TarObserver {
 public:
  /// @param out receives the gzip data; must outlive the object
  explicit TarSplitWriter(Writer& out) : text_(out) {}

  void raw(Bytes bytes) override;
  void entry(TarHeader const& header) override;
  void payload(Bytes bytes) override { crc_.update(bytes); }
  void global_header(std::string_view name) override;
  void end_marker() override;

  /// Writes the remaining data. Without this call the file is incomplete.
  void finish();

 private:
  static constexpr std::size_t segment_limit = 1U << 20U;  // for segments other than headers

  void put_segment(Bytes bytes);
  void encode(Bytes bytes);
  void end_segment();
  void start_file(std::string_view name, std::uint64_t size);
  void end_file();
  void put_position();

  GzipTextWriter text_;
  NameSet names_ = {};
  std::string line_ = {};
  std::uint64_t position_ = 0;
  std::array<std::byte, 3> carry_ = {};  // bytes of a segment that do not fill four base64 characters yet
  std::size_t carried_ = 0;
  std::size_t segment_size_ = 0;
  bool in_segment_ = false;
  bool in_file_ = false;
  bool may_be_long_ = false;  // the raw bytes are not a header
  std::uint64_t size_ = 0;
  Crc64 crc_ = {};
};

namespace detail {

/// Reads the lines of a tar-split file and decodes their segments.
class TarSplitReader {
 public:
  static constexpr std::size_t piece = 48U * 1024;  ///< most bytes that `segment()` decodes at once

  explicit TarSplitReader(Reader& gz) : lines_(gz) {}

  /// Advances to the next line; false at the end.
  bool next();
  bool is_file() const noexcept { return line_.type == TarSplitLine::Type::file; }
  std::string const& name() const noexcept { return line_.name; }

  /// Buffer size that the next `segment()` needs, in bytes.
  std::size_t segment_room() const noexcept { return std::min(piece, line_.payload.size() / 4 * 3 + 3); }

  /// Decodes the next bytes of a segment into `out`; returns how many, 0 at its end.
  std::size_t segment(std::byte* out);

  /// Number of bytes of the file in the archive.
  std::uint64_t size();
  /// The file's CRC-64. Requires a preceding call of `size()`.
  std::array<std::byte, 8> const& crc() const noexcept { return crc_; }

 private:
  Error damaged(std::string const& what) const;

  GzipLineReader lines_;
  TarSplitLine line_ = {};
  std::uint64_t number_ = 0;
  std::array<std::byte, 8> crc_ = {};
};

}  // namespace detail

/// Writes the contents of the file that the archive calls `name`.
using FileSource = std::function<void(std::string const& name, Writer& out)>;

/// Rebuilds an archive from its tar-split data and the layer's files, and verifies each file's size and
/// CRC-64. Bytes of a changed file may have been written to `out` before the exception.
///
/// @param copy_file called for each entry with contents, in archive order; its exceptions propagate
/// @throws `Errc::corrupt_tar_split`: the tar-split data is empty, truncated or damaged;
///   `Errc::file_changed`: a file has other contents (the subject names it); `Errc::stopped`
/// Linear in the archive's size. Memory: the longest line, usually below 1.4 MiB.
void assemble(Reader& tar_split_gz, FileSource const& copy_file, Writer& out, Control const& control = {});

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_split.ipp>
#endif
