#pragma once

#include <strata/concepts/bytes.hpp>

#include <algorithm>
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

  BlockRing(std::size_t blocks, std::size_t block_bytes, std::size_t readers)
      : block_bytes_(block_bytes),
        memory_(std::make_unique_for_overwrite<std::byte[]>(blocks * block_bytes)),
        sizes_(std::make_unique<std::size_t[]>(blocks)),
        blocks_(blocks),
        readers_(readers) {}

  /// The next block to fill; waits until every reader has released it. For the writer.
  /// @throws the exception passed to `cancel()`
  std::span<std::byte> claim() {
    std::unique_lock lock(mutex_);
    if (!cancelled_ && written_ - oldest() == blocks_) {
      writer_waits_ = true;
      freed_.wait(lock, [&] { return cancelled_ || may_resume(); });
      writer_waits_ = false;
    }
    if (cancelled_) std::rethrow_exception(cancelled_);
    return {memory_.get() + written_ % blocks_ * block_bytes_, block_bytes_};
  }

  /// Publishes the first `size` bytes, at least one, of the claimed block. For the writer.
  void publish(std::size_t size) {
    std::unique_lock lock(mutex_);
    sizes_[written_++ % blocks_] = size;
    auto const awaited = readers_waiting_ != 0;
    lock.unlock();  // so that the woken thread finds the mutex unlocked
    if (awaited) filled_.notify_all();
  }

  /// Ends the stream. Readers get `failure`, if any, after all blocks.
  void close(std::exception_ptr failure = nullptr) {
    std::lock_guard const lock(mutex_);
    closed_ = true;
    failure_ = std::move(failure);
    filled_.notify_all();
  }

  /// Makes all further calls of both sides throw `reason`; the first reason counts. Callable from any thread.
  void cancel(std::exception_ptr reason) noexcept {
    std::lock_guard const lock(mutex_);
    if (!cancelled_) cancelled_ = std::move(reason);
    freed_.notify_all();
    filled_.notify_all();
  }

  /// Releases the reader's previous block and returns the next one, valid until its next call; empty at the
  /// end.
  /// @throws the exception passed to `cancel()` or `close()`
  Bytes next(std::size_t reader) {
    std::unique_lock lock(mutex_);
    auto& at = readers_at_[reader];
    if (std::exchange(at.holds, false)) {
      ++at.taken;
      if (writer_waits_ && may_resume()) freed_.notify_one();
    }
    if (!cancelled_ && !closed_ && at.taken == written_) {
      ++readers_waiting_;
      filled_.wait(lock, [&] { return cancelled_ || closed_ || at.taken < written_; });
      --readers_waiting_;
    }
    if (cancelled_) std::rethrow_exception(cancelled_);
    if (at.taken < written_) {
      at.holds = true;
      auto const index = at.taken % blocks_;
      return {memory_.get() + index * block_bytes_, sizes_[index]};
    }
    if (failure_) std::rethrow_exception(failure_);
    return {};
  }

 private:
  struct ReaderAt {
    std::uint64_t taken = 0;  // blocks released
    bool holds = false;       // one more block is in use
  };

  std::uint64_t oldest() const {
    auto oldest = written_;
    for (std::size_t i = 0; i < readers_; ++i) oldest = std::min(oldest, readers_at_[i].taken);
    return oldest;
  }

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
