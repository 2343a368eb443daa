#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/archive/tee_observer.hpp>
#include <strata/chunked/chunked_stream.hpp>
#include <strata/chunked/zstd_chunked.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/sys/stream.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// zstd:chunked streams in memory, as the writer makes them or as nobody should.
namespace chunked_tools {

struct Stream {
  std::string bytes = {};
  strata::archive::Annotations annotations = {};
  strata::archive::ChunkedResult made = {};
};

inline std::string all_of(strata::Source source) {
  std::string out;
  for (auto part = source.next(); !part.empty(); part = source.next()) out += strata::as_text(part);
  return out;
}
inline std::string zstd(std::string const& text) {
  std::string out;
  auto const encoder = strata::codec::Zstd::compress(strata::string_sink(out));
  encoder->write(strata::as_bytes(text));
  encoder->finish();
  return out;
}
inline std::string digest(std::string const& text) {
  return strata::Digest::of(strata::as_bytes(text)).str();
}

/// Lines of the tar-split, not compressed.
inline std::string tar_split_of(std::string const& tar) {
  std::string gz;
  strata::Sink to = strata::string_sink(gz);
  strata::archive::TarSplitWriter split(to);
  strata::Source in = strata::memory_source(tar);
  strata::archive::TarReader reader(in, {}, &split);
  for (strata::archive::TarHeader header; reader.next(header);) continue;
  split.finish();
  return all_of(strata::codec::Gzip::decompress(strata::memory_source(gz)));
}

inline Stream stream_of(std::string const& tar) {
  Stream out;
  strata::archive::ZstdChunkedWriter writer(strata::string_sink(out.bytes));
  strata::Source in = strata::memory_source(tar);
  strata::archive::TarReader reader(in, {}, &writer);
  for (strata::archive::TarHeader header; reader.next(header);) continue;
  strata::Source lines = strata::memory_source(tar_split_of(tar));
  out.made = writer.finish(lines);
  out.annotations = strata::archive::chunked_annotations(out.made);
  return out;
}

/// Some bytes, then a table of contents and a tar-split (none if empty) of one's own. Words `SPLIT` in the table
/// become the digest of the latter as it stands in the stream.
inline Stream crafted(std::string bytes, std::string toc, std::string const& tar_split = {}) {
  Stream out;
  auto const split = tar_split.empty() ? std::string() : zstd(tar_split);
  if (auto const at = toc.find("SPLIT"); at != std::string::npos) toc.replace(at, 5, digest(split));
  auto const table = zstd(toc);
  auto const place = [](std::size_t at, std::string const& packed, std::string const& plain) {
    return std::to_string(at) + ':' + std::to_string(packed.size()) + ':' + std::to_string(plain.size());
  };
  out.annotations[std::string(strata::archive::toc_digest_annotation)] = digest(table);
  out.annotations[std::string(strata::archive::toc_position_annotation)] =
      place(bytes.size(), table, toc) + ":1";
  if (!split.empty())
    out.annotations[std::string(strata::archive::tar_split_position_annotation)] =
        place(bytes.size() + table.size(), split, tar_split);
  out.bytes = std::move(bytes) + table + split;
  return out;
}

/// Remembers what was asked for: a range source as a user may write one.
class Watched {
 public:
  using Requests = std::vector<std::vector<strata::ByteRange>>;
  Watched(std::string bytes, std::shared_ptr<Requests> requests)
      : bytes_(std::move(bytes)), requests_(std::move(requests)) {}
  std::uint64_t size() const { return bytes_.size(); }
  void read(std::span<strata::ByteRange const> ranges, strata::RangeBytes const& to) {
    requests_->emplace_back(ranges.begin(), ranges.end());
    for (std::size_t i = 0; i < ranges.size(); ++i)
      for (std::size_t at = 0; at < ranges[i].size; at += 1000)  // as a network would
        to(i, strata::as_bytes(bytes_).subspan(ranges[i].offset + at,
                                               std::min<std::size_t>(1000, ranges[i].size - at)));
  }

 private:
  std::string bytes_;
  std::shared_ptr<Requests> requests_;
};
static_assert(strata::RangeSource<Watched>);

}  // namespace chunked_tools
