#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/chunked/zstd_chunked.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <unistd.h>
#include <utility>

namespace strata::archive {

/// Converts an uncompressed tar archive to a zstd:chunked stream. Memory: the table of contents, some 300
/// bytes per entry.
/// @param scratch  directory for a temporary file with the tar-split, which comes last in the stream
/// @throws as `TarReader` with `budgets`; `Errc::corrupt_archive` for two entries of one name;
///   `Errc::stopped`; `errno`
ChunkedResult make_zstd_chunked(Source tar, Sink stream, fs::path const& scratch,
                                TarBudgets const& budgets = {}, Control const& control = {});

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/make_chunked.ipp>
#endif
