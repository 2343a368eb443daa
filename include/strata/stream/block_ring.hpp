#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

namespace strata::archive {

/// A bounded stream of blocks from one writer thread to `readers` reader threads, each of which sees every
/// block, without copying.
///
/// Memory: `blocks` × `block_bytes`, of which only the part in use is touched. Waiting threads sleep. The
/// writer's calls come from one thread, and those of each reader from one thread.
class BlockRing {
 public:
  static constexpr std::size_t max_readers = 2;

  BlockRing(std::size_t blocks, std::size_t block_bytes, std::size_t readers);

  /// The next block to fill; waits until every reader has released it. For the writer.
  /// @throws the exception passed to `cancel()`
  std::span<std::byte> claim();

  /// Publishes the first `size` bytes, at least one, of the claimed block. For the writer.
  void publish(std::size_t size);

  /// Ends the stream. Readers get `failure`, if any, after all blocks.
  void close(std::exception_ptr failure = nullptr);

  /// Makes all further calls of both sides throw `reason`; the first reason counts. Callable from any thread.
  void cancel(std::exception_ptr reason) noexcept;

  /// Releases the reader's previous block and returns the next one, valid until its next call; empty at the
  /// end.
  /// @throws the exception passed to `cancel()` or `close()`
  Bytes next(std::size_t reader);

 private:
  struct ReaderAt {
    std::uint64_t taken = 0;  // blocks released
    bool holds = false;       // one more block is in use
  };

  std::uint64_t oldest() const;

  /// A writer that found the ring full resumes when a quarter is free, for fewer and longer turns of both
  /// sides.
  bool may_resume() const { return written_ - oldest() <= blocks_ - (blocks_ + 3) / 4; }

  std::size_t const block_bytes_;
  std::unique_ptr<std::byte[]> const memory_;
  std::unique_ptr<std::size_t[]> const sizes_;
  std::size_t const blocks_;
  std::size_t const readers_;
  std::mutex mutex_;  // guards the members below; a block's bytes belong to the writer or to the readers
  std::condition_variable freed_, filled_;
  std::array<ReaderAt, max_readers> readers_at_;
  std::uint64_t written_ = 0;
  std::size_t readers_waiting_ = 0;
  bool writer_waits_ = false;
  bool closed_ = false;
  std::exception_ptr failure_;
  std::exception_ptr cancelled_;
};

/// One reader of a `BlockRing`, as a `Source`.
class BlockReader {
 public:
  BlockReader(BlockRing& ring, std::size_t reader) : ring_(&ring), reader_(reader) {}
  Bytes next() { return ring_->next(reader_); }

 private:
  BlockRing* ring_;
  std::size_t reader_;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/stream/block_ring.ipp>
#endif
