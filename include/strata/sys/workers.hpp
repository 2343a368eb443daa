#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strata::sys {

/// Threads that do pieces of work which one thread finds. A bounded number of pieces waits.
template <class Item>
class Workers {
 public:
  /// @param work          called with each item, on several threads at once
  /// @param most_waiting  items, each of which may hold a descriptor
  Workers(std::size_t threads, std::size_t most_waiting, std::function<void(Item&)> work)
      : most_waiting_(most_waiting), work_(std::move(work)) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  Workers(Workers const&) = delete;
  Workers& operator=(Workers const&) = delete;
  /// Waits for what is under way and drops what waits.
  ~Workers() {
    {
      std::lock_guard const lock(mutex_);
      waiting_.clear();
    }
    close();
  }

  /// Waits while too many are waiting already.  @throws the first failure of `work`: there is no use in finding more
  void add(Item item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return waiting_.size() < most_waiting_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(item));
    some_.notify_one();
  }

  /// Waits for all.  @throws the first failure of `work`
  void finish() {
    close();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void close() {
    {
      std::lock_guard const lock(mutex_);
      closed_ = true;
    }
    some_.notify_all();
    threads_.clear();  // joins
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      some_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      Item item = std::move(waiting_.front());
      waiting_.pop_front();
      room_.notify_one();
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(item);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure && !failure_) {
        failure_ = failure;
        waiting_.clear();
        room_.notify_all();
      }
    }
  }

  std::size_t most_waiting_;
  std::function<void(Item&)> work_;
  std::mutex mutex_;
  std::condition_variable some_, room_;
  std::deque<Item> waiting_;
  bool closed_ = false;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  // last: they use what is above
};

}  // namespace strata::sys
