#pragma once

#include <strata/archive/tar_split_line.hpp>
#include <strata/chunked/zstd_chunked.hpp>
#include <strata/timestamp.hpp>

namespace strata::archive {

STRATA_INLINE ZstdChunkedWriter::ZstdChunkedWriter(Sink out, codec::EncodeOptions encode)
    : out_(std::make_unique<Counted>(std::move(out))),
      encode_(encode),
      encoder_(codec::Zstd::compress(Sink(ToOut{out_.get()}), encode)) {
  toc_ = R"({"version":1,"entries":[)";
}

STRATA_INLINE void ZstdChunkedWriter::raw(Bytes bytes) {
  end_file();
  put(bytes);
}

STRATA_INLINE void ZstdChunkedWriter::entry(TarHeader const& header) {
  end_file();
  if (header.sparse)
    throw Error(Errc::unsupported, "sparse file \"" + header.name + "\" in a zstd:chunked stream");
  if (entries_++ != 0) toc_ += ',';
  start_entry(header);
  in_file_ = true;
  start_ = 0;
}

STRATA_INLINE void ZstdChunkedWriter::payload(Bytes bytes) {
  if (bytes.empty()) return;
  if (start_ == 0) {
    end_frame();
    start_ = out_->size;
    hash_.emplace();
  }
  hash_->update(bytes);
  put(bytes);
}

STRATA_INLINE ChunkedResult ZstdChunkedWriter::finish(Reader& tar_split) {
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

STRATA_INLINE void ZstdChunkedWriter::Counted::write(Bytes bytes) {
  size += bytes.size();
  sink.write(bytes);
}

STRATA_INLINE void ZstdChunkedWriter::put(Bytes bytes) {
  encoder_->write(bytes);
  in_frame_ = in_frame_ || !bytes.empty();
}

STRATA_INLINE void ZstdChunkedWriter::end_frame() {
  if (std::exchange(in_frame_, false)) encoder_->finish();  // the next write starts a new frame
}

STRATA_INLINE void ZstdChunkedWriter::end_file() {
  if (!std::exchange(in_file_, false)) return;
  if (start_ != 0) {
    end_frame();
    toc_ += R"(,"digest":")" + hash_->finish().str() + '"';
    put_number("offset", static_cast<std::int64_t>(start_));
    put_number("endOffset", static_cast<std::int64_t>(out_->size));
  }
  toc_ += '}';
}

STRATA_INLINE void ZstdChunkedWriter::append_little_endian(std::string& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 0xffU);
}

STRATA_INLINE ChunkedPart ZstdChunkedWriter::put_skippable(std::string const& data,
                                                           std::uint64_t plain_size) {
  if (data.size() > 0xffff'ffffU) throw Error(Errc::over_budget, "zstd frame");
  std::string header;
  append_little_endian(header, skippable_magic, 4);
  append_little_endian(header, data.size(), 4);
  out_->write(as_bytes(header));
  ChunkedPart const part{.offset = out_->size, .size = data.size(), .plain_size = plain_size};
  out_->write(as_bytes(data));
  return part;
}

STRATA_INLINE std::string ZstdChunkedWriter::footer(ChunkedResult const& result) {
  std::string text;
  for (auto const value :
       {result.manifest_at.offset, result.manifest_at.size, result.manifest_at.plain_size, manifest_type,
        result.tar_split_at.offset, result.tar_split_at.size, result.tar_split_at.plain_size})
    append_little_endian(text, value, 8);
  return text += footer_magic;
}

STRATA_INLINE std::string_view ZstdChunkedWriter::type_name(EntryType type) {
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

STRATA_INLINE void ZstdChunkedWriter::put_text(std::string_view key, std::string_view value) {
  if (value.empty()) return;
  ((toc_ += ",\"") += key) += "\":\"";
  append_json_escaped(toc_, value);
  toc_ += '"';
}

STRATA_INLINE void ZstdChunkedWriter::put_number(std::string_view key, std::int64_t value) {
  if (value == 0) return;
  ((toc_ += ",\"") += key) += "\":" + std::to_string(value);
}

STRATA_INLINE void ZstdChunkedWriter::put_time(std::string_view key, std::optional<FileTime> const& time) {
  if (time) put_text(key, Timestamp{.seconds = time->seconds, .nanoseconds = time->nanoseconds}.str());
}

STRATA_INLINE void ZstdChunkedWriter::start_entry(TarHeader const& header) {
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

}  // namespace strata::archive
