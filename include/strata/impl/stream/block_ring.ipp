#pragma once

#include <strata/stream/block_ring.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE BlockRing::BlockRing(std::size_t blocks, std::size_t block_bytes, std::size_t readers)
    : block_bytes_(block_bytes),
      memory_(std::make_unique_for_overwrite<std::byte[]>(blocks * block_bytes)),
      sizes_(std::make_unique<std::size_t[]>(blocks)),
      blocks_(blocks),
      readers_(readers) {}

STRATA_INLINE std::span<std::byte> BlockRing::claim() {
  std::unique_lock lock(mutex_);
  if (!cancelled_ && written_ - oldest() == blocks_) {
    writer_waits_ = true;
    freed_.wait(lock, [&] { return cancelled_ || may_resume(); });
    writer_waits_ = false;
  }
  if (cancelled_) std::rethrow_exception(cancelled_);
  return {memory_.get() + written_ % blocks_ * block_bytes_, block_bytes_};
}

STRATA_INLINE void BlockRing::publish(std::size_t size) {
  std::unique_lock lock(mutex_);
  sizes_[written_++ % blocks_] = size;
  auto const awaited = readers_waiting_ != 0;
  lock.unlock();  // so that the woken thread finds the mutex unlocked
  if (awaited) filled_.notify_all();
}

STRATA_INLINE void BlockRing::close(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  closed_ = true;
  failure_ = std::move(failure);
  filled_.notify_all();
}

STRATA_INLINE void BlockRing::cancel(std::exception_ptr reason) noexcept {
  std::lock_guard const lock(mutex_);
  if (!cancelled_) cancelled_ = std::move(reason);
  freed_.notify_all();
  filled_.notify_all();
}

STRATA_INLINE Bytes BlockRing::next(std::size_t reader) {
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

STRATA_INLINE std::uint64_t BlockRing::oldest() const {
  auto oldest = written_;
  for (std::size_t i = 0; i < readers_; ++i) oldest = std::min(oldest, readers_at_[i].taken);
  return oldest;
}

}  // namespace strata::archive
