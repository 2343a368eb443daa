#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// Position and size of one part of a zstd:chunked stream.
struct ChunkedPart {
  std::uint64_t offset = 0;      ///< of the payload, after the frame header
  std::uint64_t size = 0;        ///< of the payload
  std::uint64_t plain_size = 0;  ///< uncompressed
};

/// What is known about a finished zstd:chunked stream.
struct ChunkedResult {
  std::string manifest;                   ///< table of contents, JSON
  std::optional<Digest> toc_digest = {};  ///< of the compressed table; identifies the layer
  ChunkedPart manifest_at = {};
  ChunkedPart tar_split_at = {};
  std::uint64_t size = 0;  ///< of the whole stream
};

/// Writes a tar archive as a zstd:chunked stream.
///
/// The stream is a zstd stream of the archive in which the contents of each file are a frame of their own,
/// followed by three skippable frames: a table of contents with the positions, the tar-split, and a footer. A
/// reader can fetch single files with it (github.com/containers/storage, docs/zstd-chunked.md; RFC 8878 3.1.2
/// for skippable frames).
///
/// Used as observer of a `TarReader`. Sparse files are refused (`Errc::unsupported`), since no frame holds
/// their contents. Each file is one chunk. Memory: the table, some 300 bytes per entry.
class ZstdChunkedWriter final : public TarObserver {
 public:
  explicit ZstdChunkedWriter(Sink out, codec::EncodeOptions encode = {.level = 0, .threads = 0});

  void raw(Bytes bytes) override;
  void entry(TarHeader const& header) override;
  void payload(Bytes bytes) override;

  /// Writes the three trailing frames. Call once.
  /// @param tar_split  lines of the tar-split, uncompressed
  ChunkedResult finish(Reader& tar_split);

 private:
  static constexpr std::uint32_t skippable_magic = 0x184D2A50;
  static constexpr std::uint64_t footer_size = 64;
  static constexpr std::uint64_t manifest_type = 1;  // a table of contents in the format of CRFS
  static constexpr std::string_view footer_magic = "GNUlInUx";

  struct Counted {
    explicit Counted(Sink to) : sink(std::move(to)) {}
    void write(Bytes bytes);
    Sink sink;
    std::uint64_t size = 0;
  };
  struct ToOut {
    void write(Bytes bytes) { out->write(bytes); }
    Counted* out;
  };

  void put(Bytes bytes);
  void end_frame();

  void end_file();

  template <class Fill>
  std::string compressed(Fill&& fill) const {
    struct ToString {
      void write(Bytes bytes) { to->append(as_text(bytes)); }
      std::string* to;
    };
    std::string out;
    auto const encoder = codec::Zstd::compress(Sink(ToString{&out}), encode_);
    fill(*encoder);
    encoder->finish();
    return out;
  }

  static void append_little_endian(std::string& to, std::uint64_t value, int bytes);

  ChunkedPart put_skippable(std::string const& data, std::uint64_t plain_size);

  static std::string footer(ChunkedResult const& result);

  static std::string_view type_name(EntryType type);

  void put_text(std::string_view key, std::string_view value);
  void put_number(std::string_view key, std::int64_t value);
  void put_time(std::string_view key, std::optional<FileTime> const& time);

  /// Writes everything but the fields that depend on the contents.
  void start_entry(TarHeader const& header);

  std::unique_ptr<Counted> out_;
  codec::EncodeOptions encode_;
  std::unique_ptr<codec::Encoder> encoder_;
  std::string toc_;
  std::uint64_t entries_ = 0;
  bool in_frame_ = false;
  bool in_file_ = false;
  std::uint64_t start_ = 0;  ///< offset of the current file's contents; 0: none yet
  std::optional<Hasher> hash_ = {};
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/zstd_chunked.ipp>
#endif
