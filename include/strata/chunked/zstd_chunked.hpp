#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split_line.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/timestamp.hpp>

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
  explicit ZstdChunkedWriter(Sink out, codec::EncodeOptions encode = {.level = 0, .threads = 0})
      : out_(std::make_unique<Counted>(std::move(out))),
        encode_(encode),
        encoder_(codec::Zstd::compress(Sink(ToOut{out_.get()}), encode)) {
    toc_ = R"({"version":1,"entries":[)";
  }

  void raw(Bytes bytes) override {
    end_file();
    put(bytes);
  }
  void entry(TarHeader const& header) override {
    end_file();
    if (header.sparse)
      throw Error(Errc::unsupported, "sparse file \"" + header.name + "\" in a zstd:chunked stream");
    if (entries_++ != 0) toc_ += ',';
    start_entry(header);
    in_file_ = true;
    start_ = 0;
  }
  void payload(Bytes bytes) override {
    if (bytes.empty()) return;
    if (start_ == 0) {
      end_frame();
      start_ = out_->size;
      hash_.emplace();
    }
    hash_->update(bytes);
    put(bytes);
  }

  /// Writes the three trailing frames. Call once.
  /// @param tar_split  lines of the tar-split, uncompressed
  ChunkedResult finish(Reader& tar_split) {
    end_file();
    end_frame();
    std::uint64_t split_size = 0;
    auto const split = compressed([&](Writer& to) {
      for (auto bytes = tar_split.next(); !bytes.empty(); bytes = tar_split.next()) {
        split_size += bytes.size();
        to.write(bytes);
      }
    });
    toc_ += R"(],"tarSplitDigest":")" + Digest::of(as_bytes(split)).str() + R"("})";
    auto const table = compressed([&](Writer& to) { to.write(as_bytes(toc_)); });
    ChunkedResult result{.manifest = std::move(toc_)};
    result.toc_digest = Digest::of(as_bytes(table));
    result.manifest_at = put_skippable(table, result.manifest.size());
    result.tar_split_at = put_skippable(split, split_size);
    put_skippable(footer(result), footer_size);
    result.size = out_->size;
    return result;
  }

 private:
  static constexpr std::uint32_t skippable_magic = 0x184D2A50;
  static constexpr std::uint64_t footer_size = 64;
  static constexpr std::uint64_t manifest_type = 1;  // a table of contents in the format of CRFS
  static constexpr std::string_view footer_magic = "GNUlInUx";

  struct Counted {
    explicit Counted(Sink to) : sink(std::move(to)) {}
    void write(Bytes bytes) {
      size += bytes.size();
      sink.write(bytes);
    }
    Sink sink;
    std::uint64_t size = 0;
  };
  struct ToOut {
    void write(Bytes bytes) { out->write(bytes); }
    Counted* out;
  };

  void put(Bytes bytes) {
    encoder_->write(bytes);
    in_frame_ = in_frame_ || !bytes.empty();
  }
  void end_frame() {
    if (std::exchange(in_frame_, false)) encoder_->finish();  // the next write starts a new frame
  }

  void end_file() {
    if (!std::exchange(in_file_, false)) return;
    if (start_ != 0) {
      end_frame();
      toc_ += R"(,"digest":")" + hash_->finish().str() + '"';
      put_number("offset", static_cast<std::int64_t>(start_));
      put_number("endOffset", static_cast<std::int64_t>(out_->size));
    }
    toc_ += '}';
  }

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

  static void append_little_endian(std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 0xffU);
  }

  ChunkedPart put_skippable(std::string const& data, std::uint64_t plain_size) {
    if (data.size() > 0xffff'ffffU) throw Error(Errc::over_budget, "zstd frame");
    std::string header;
    append_little_endian(header, skippable_magic, 4);
    append_little_endian(header, data.size(), 4);
    out_->write(as_bytes(header));
    ChunkedPart const part{.offset = out_->size, .size = data.size(), .plain_size = plain_size};
    out_->write(as_bytes(data));
    return part;
  }

  static std::string footer(ChunkedResult const& result) {
    std::string text;
    for (auto const value :
         {result.manifest_at.offset, result.manifest_at.size, result.manifest_at.plain_size, manifest_type,
          result.tar_split_at.offset, result.tar_split_at.size, result.tar_split_at.plain_size})
      append_little_endian(text, value, 8);
    return text += footer_magic;
  }

  static std::string_view type_name(EntryType type) {
    switch (type) {
      case EntryType::hard_link:
        return "hardlink";
      case EntryType::symlink:
        return "symlink";
      case EntryType::char_device:
        return "char";
      case EntryType::block_device:
        return "block";
      case EntryType::directory:
        return "dir";
      case EntryType::fifo:
        return "fifo";
      default:
        return "reg";
    }
  }

  void put_text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    ((toc_ += ",\"") += key) += "\":\"";
    append_json_escaped(toc_, value);
    toc_ += '"';
  }
  void put_number(std::string_view key, std::int64_t value) {
    if (value == 0) return;
    ((toc_ += ",\"") += key) += "\":" + std::to_string(value);
  }
  void put_time(std::string_view key, std::optional<FileTime> const& time) {
    if (time) put_text(key, Timestamp{.seconds = time->seconds, .nanoseconds = time->nanoseconds}.str());
  }

  /// Writes everything but the fields that depend on the contents.
  void start_entry(TarHeader const& header) {
    ((toc_ += R"({"type":")") += type_name(header.type)) += R"(","name":")";
    append_json_escaped(toc_, header.name);
    toc_ += '"';
    put_text("linkName", header.link_name);
    put_number("mode", header.mode);
    put_number("size", header.size);
    put_number("uid", header.uid);
    put_number("gid", header.gid);
    put_time("modtime", header.mtime);
    put_time("accesstime", header.atime);
    put_time("changetime", header.ctime);
    put_number("devMajor", header.dev_major);
    put_number("devMinor", header.dev_minor);
    if (header.xattrs.empty()) return;
    toc_ += R"(,"xattrs":{)";
    for (auto const& [key, value] : header.xattrs) {
      if (toc_.back() != '{') toc_ += ',';
      toc_ += '"';
      append_json_escaped(toc_, key);
      toc_ += "\":\"";
      auto const at = toc_.size();
      toc_.resize(at + base64_size(value.size()));
      base64_encode(as_bytes(value), toc_.data() + at);
      toc_ += '"';
    }
    toc_ += '}';
  }

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
