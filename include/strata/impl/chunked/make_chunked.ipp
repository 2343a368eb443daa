#pragma once

#include <strata/archive/tar_split.hpp>
#include <strata/archive/tee_observer.hpp>
#include <strata/chunked/make_chunked.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/sys/stream.hpp>

namespace strata::archive {

STRATA_INLINE ChunkedResult make_zstd_chunked(Source tar, Sink stream, fs::path const& scratch,
                                              TarBudgets const& budgets, Control const& control) {
  sys::Fd const kept = sys::scratch_file(scratch);
  ZstdChunkedWriter chunked(std::move(stream));
  Sink to = fd_sink(kept.get());
  TarSplitWriter split(to);
  TeeObserver both(split, chunked);
  TarReader reader(tar, budgets, &both);
  for (TarHeader header; reader.next(header);) control.check();
  split.finish();
  if (::lseek(kept.get(), 0, SEEK_SET) != 0) sys::throw_errno("seek", scratch);
  Source lines = codec::Gzip::decompress(fd_source(kept.get()));
  return chunked.finish(lines);
}

}  // namespace strata::archive
