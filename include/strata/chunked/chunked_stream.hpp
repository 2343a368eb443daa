#pragma once

#include <strata/chunked/zstd_chunked.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Table of contents and tar-split, which follow the archive in a zstd:chunked stream.
namespace strata::archive {

/// Annotation keys of a layer's descriptor in an image manifest (github.com/containers/storage,
/// docs/zstd-chunked.md).
inline constexpr std::string_view toc_digest_annotation =
    "io.github.containers.zstd-chunked.manifest-checksum";
inline constexpr std::string_view toc_position_annotation =
    "io.github.containers.zstd-chunked.manifest-position";
inline constexpr std::string_view tar_split_position_annotation =
    "io.github.containers.zstd-chunked.tarsplit-position";

using Annotations = std::map<std::string, std::string>;

/// Value of an annotation. Releases before 1.45 used the prefix "io.containers.".
std::optional<std::string> find_annotation(Annotations const& annotations, std::string_view key);

/// Annotations for a stream written by `ZstdChunkedWriter`.
Annotations chunked_annotations(ChunkedResult const& result);

/// Positions of both in the stream; not verified.
struct ChunkedPlaces {
  ChunkedPart toc = {};
  std::optional<ChunkedPart> tar_split = {};
};

namespace detail {

/// Reads ascending ranges of a source into memory.
/// @throws `Errc::corrupt_archive` if the source returns fewer, more or other bytes than requested
std::vector<std::string> read_ranges(Ranges& stream, std::vector<ByteRange> const& ranges);

/// Parses "offset:size:uncompressed size"; for a table of contents followed by ":1", its type.
ChunkedPart parse_place(std::string_view text, std::size_t numbers);

std::uint64_t little_endian(std::string_view bytes);

}  // namespace detail

/// Positions from the annotations or, without these, from the footer (the last 64 bytes of the stream).
/// @throws `Errc::corrupt_archive` if neither has them; `Errc::unsupported` for another type of table of
///   contents
ChunkedPlaces find_chunked_places(Ranges& stream, Annotations const& annotations);

/// Decompresses bytes that must have exactly the given length then.
/// @param plain_size  untrusted; memory grows with the actual output
/// @throws `Errc::corrupt_archive`
std::string decompress_part(std::string bytes, std::uint64_t plain_size, std::string_view what);

/// Table of contents and tar-split, as read from the stream.
struct ChunkedTables {
  std::string toc;             ///< JSON; its compressed bytes matched the digest
  std::string tar_split = {};  ///< compressed with zstd; not verified yet
  ChunkedPlaces places = {};
};

/// Reads both in one request.
/// @param toc_digest  of the compressed table of contents, from the image manifest
/// @param max_bytes   limit for each, compressed and uncompressed
/// @throws `Errc::digest_mismatch`, `Errc::over_budget`, `Errc::corrupt_archive`
ChunkedTables read_chunked_tables(Ranges& stream, ChunkedPlaces const& places, Digest const& toc_digest,
                                  std::uint64_t max_bytes);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/chunked_stream.ipp>
#endif
