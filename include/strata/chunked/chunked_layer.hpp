#pragma once

#include <strata/chunked/zstd_chunked.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/store/chunked_keys.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/stream.hpp>

#include <utility>

namespace strata {

/// Fills a staged layer from a tar and writes the same tar as a zstd:chunked stream. The layer is then
/// identified by the digest of the stream's table of contents, and keeps that table.
/// @param staged  `layers.stage(…)`, still empty
/// @param stream  receives the stream
template <class Staged>
archive::ChunkedResult fill_chunked(Staged& staged, Source tar, Sink stream,
                                    ApplyOptions const& options = {}) {
  archive::ZstdChunkedWriter writer(std::move(stream));
  staged.fill(std::move(tar), options, &writer);
  Source lines = codec::Gzip::decompress(file_source(staged.tar_split()));
  auto result = writer.finish(lines);
  staged.set_toc_digest(result.toc_digest->str());
  staged.add_big_data(std::string(chunked_manifest_key), result.manifest);
  staged.add_big_data(std::string(chunked_layer_data_key), R"({"format":0})");  // not composefs
  return result;
}

}  // namespace strata
