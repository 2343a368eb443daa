#pragma once

#include <strata/codec/ordered.hpp>

namespace strata::codec::detail {

STRATA_INLINE Ordered::Ordered(unsigned threads, std::function<Step()> make_worker, Step deliver)
    : pieces_(2 * std::size_t{threads} + 2), done_(pieces_.size()), deliver_(std::move(deliver)) {
  try {
    for (unsigned i = 0; i < threads; ++i)
      threads_.emplace_back([this, make_worker] { guarded([&] { work(make_worker()); }); });
    threads_.emplace_back([this] { guarded([this] { deliver_all(); }); });
  } catch (...) {
    fail(std::current_exception());
    join();
    throw;
  }
}

STRATA_INLINE Ordered::~Ordered() {
  fail(nullptr);
  join();
}

STRATA_INLINE Piece& Ordered::claim() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [&] { return stopped_ || submitted_ - delivered_ < pieces_.size(); });
  if (stopped_ && failure_) std::rethrow_exception(failure_);
  return pieces_[submitted_ % pieces_.size()];
}

STRATA_INLINE void Ordered::submit() {
  {
    std::lock_guard const lock(mutex_);
    done_[submitted_ % pieces_.size()] = false;
    ++submitted_;
  }
  work_.notify_one();
}

STRATA_INLINE void Ordered::finish() {
  {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [&] { return stopped_ || delivered_ == submitted_; });
  }
  fail(nullptr);
  join();
  if (failure_) std::rethrow_exception(failure_);
}

STRATA_INLINE void Ordered::work(Step step) {
  for (std::unique_lock lock(mutex_);;) {
    work_.wait(lock, [&] { return stopped_ || taken_ < submitted_; });
    if (stopped_) return;
    auto const index = taken_++ % pieces_.size();
    lock.unlock();
    step(pieces_[index]);
    lock.lock();
    done_[index] = true;
    packed_.notify_one();
  }
}

STRATA_INLINE void Ordered::deliver_all() {
  for (std::unique_lock lock(mutex_);;) {
    auto const index = delivered_ % pieces_.size();
    packed_.wait(lock, [&] { return stopped_ || (delivered_ < taken_ && done_[index]); });
    if (stopped_) return;
    lock.unlock();
    deliver_(pieces_[index]);
    lock.lock();
    ++delivered_;
    free_.notify_one();
  }
}

STRATA_INLINE void Ordered::fail(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  if (!stopped_) failure_ = std::move(failure);
  stopped_ = true;
  work_.notify_all();
  packed_.notify_all();
  free_.notify_all();
}

STRATA_INLINE void Ordered::join() {
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace strata::codec::detail
