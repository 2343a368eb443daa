#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strata::sys {

namespace detail {

/// The part that does not depend on the item type, compiled once.
class WorkerThreads {
 public:
  using Piece = std::unique_ptr<void, void (*)(void*)>;

  WorkerThreads(std::size_t threads, std::size_t most_waiting, std::function<void(void*)> work)
      : most_threads_(threads), most_waiting_(most_waiting), work_(std::move(work)) {}
  WorkerThreads(WorkerThreads const&) = delete;
  WorkerThreads& operator=(WorkerThreads const&) = delete;
  ~WorkerThreads() {
    {
      std::lock_guard const lock(mutex_);
      waiting_.clear();
    }
    close();
  }

  void add(Piece piece) {
    std::unique_lock lock(mutex_);
    if (threads_.empty() && waiting_.size() == most_waiting_) run_one(lock);
    room_.wait(lock, [this] { return waiting_.size() < most_waiting_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(piece));
    // A few pieces are the caller's own affair: it processes them in `finish`.
    if (waiting_.size() > std::max(idle_, std::min(most_for_caller, most_waiting_ / 2))) start_thread();
    some_.notify_one();
  }

  void finish() {
    {
      std::unique_lock lock(mutex_);
      while (!waiting_.empty()) run_one(lock);
    }
    close();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr std::size_t most_for_caller = 8;

  /// Does without it if there are no more threads or memory: the others do the work, or else the caller.
  void start_thread() noexcept {
    if (threads_.size() == most_threads_) return;
    try {
      threads_.emplace_back([this] { run(); });
    } catch (...) {
      most_threads_ = threads_.size();
    }
  }

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
      ++idle_;
      some_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      run_one(lock);
    }
  }

  /// Takes the first piece and unlocks while it is worked on.
  void run_one(std::unique_lock<std::mutex>& lock) {
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

  std::size_t most_threads_;
  std::size_t most_waiting_;
  std::function<void(void*)> work_;
  std::mutex mutex_;
  std::condition_variable some_, room_;
  std::deque<Piece> waiting_;
  std::size_t idle_ = 0;  ///< threads that wait for a piece
  bool closed_ = false;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  // last: the threads use the members above
};

}  // namespace detail

/// A pool of threads that process items from a bounded queue. Threads start as they are needed: up to eight items
/// are processed by the caller, in `finish`. `add` and `finish` must be called from one thread.
///
///     sys::Workers<std::string> workers(4, 64, [](std::string& item) { process(item); });
///     for (auto& item : items) workers.add(std::move(item));
///     workers.finish();
template <class Item>
class Workers {
 public:
  /// @param threads maximum number of threads; fewer, down to none, if the system refuses more
  /// @param most_waiting maximum queue length; each item may hold a descriptor
  /// @param work called with each item, on several threads at once
  template <class Work>
  Workers(std::size_t threads, std::size_t most_waiting, Work work)
      : threads_(threads, most_waiting,
                 [work = std::move(work)](void* item) { work(*static_cast<Item*>(item)); }) {}
  // The destructor waits for running items and drops queued ones.

  /// Queues an item; waits while the queue is full.
  /// @throws the first failure of `work`, after which all items are dropped
  void add(Item item) {
    threads_.add({new Item(std::move(item)), [](void* made) { delete static_cast<Item*>(made); }});
  }

  /// Waits until all items are processed.
  /// @throws the first failure of `work`
  void finish() { threads_.finish(); }

 private:
  detail::WorkerThreads threads_;
};

}  // namespace strata::sys
