#pragma once

#include <strata/sys/workers.hpp>

#include <algorithm>
#include <thread>

namespace strata::sys::detail {

STRATA_INLINE WorkerThreads::~WorkerThreads() {
  {
    std::lock_guard const lock(mutex_);
    waiting_.clear();
  }
  close();
}

STRATA_INLINE void WorkerThreads::add(Piece piece) {
  std::unique_lock lock(mutex_);
  if (threads_.empty() && waiting_.size() == most_waiting_) run_one(lock);
  room_.wait(lock, [this] { return waiting_.size() < most_waiting_ || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  waiting_.push_back(std::move(piece));
  // A few pieces are the caller's own affair: it processes them in `finish`.
  if (waiting_.size() > std::max(idle_, std::min(most_for_caller, most_waiting_ / 2))) start_thread();
  some_.notify_one();
}

STRATA_INLINE void WorkerThreads::finish() {
  {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) run_one(lock);
  }
  close();
  if (failure_) std::rethrow_exception(failure_);
}

STRATA_INLINE void WorkerThreads::start_thread() noexcept {
  if (threads_.size() == most_threads_) return;
  try {
    threads_.emplace_back([this] { run(); });
  } catch (...) {
    most_threads_ = threads_.size();
  }
}

STRATA_INLINE void WorkerThreads::close() {
  {
    std::lock_guard const lock(mutex_);
    closed_ = true;
  }
  some_.notify_all();
  threads_.clear();  // joins
}

STRATA_INLINE void WorkerThreads::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    some_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    run_one(lock);
  }
}

STRATA_INLINE void WorkerThreads::run_one(std::unique_lock<std::mutex>& lock) {
  auto piece = std::move(waiting_.front());
  waiting_.pop_front();
  room_.notify_one();
  lock.unlock();
  std::exception_ptr failure;
  try {
    work_(piece.get());
  } catch (...) {
    failure = std::current_exception();
  }
  piece.reset();
  lock.lock();
  if (failure && !failure_) {
    failure_ = failure;
    waiting_.clear();
    room_.notify_all();
  }
}

}  // namespace strata::sys::detail
