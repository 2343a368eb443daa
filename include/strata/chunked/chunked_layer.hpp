#pragma once

#include <strata/bodies.hpp>
#include <strata/chunked/add_table.hpp>
#include <strata/chunked/zstd_chunked.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/stream.hpp>

#include <utility>

namespace strata {

/// Fills a staged layer from a tar and writes the same tar as a zstd:chunked stream. The layer is then
/// identified by the digest of the stream's table of contents, and keeps that table.
/// @param staged  `layers.stage(…)`, still empty
/// @param stream  receives the stream
/// @throws as `StagedLayer::fill`, and what `stream` throws; the staged layer can then only be destroyed
template <class Staged>
archive::ChunkedResult fill_chunked(Staged& staged, Source tar, Sink stream,
                                    ApplyOptions const& options = {}) {
  archive::ZstdChunkedWriter writer(std::move(stream));
  staged.fill(std::move(tar), options, &writer);
  archive::ChunkedResult result;
  staged.complete_by([&] {
    Source lines = codec::Gzip::decompress(file_source(staged.tar_split()));
    result = writer.finish(lines);
    detail::add_table(staged, result.toc_digest->str(), result.manifest);
  });
  return result;
}

}  // namespace strata
