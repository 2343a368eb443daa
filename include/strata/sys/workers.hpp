#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

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
  ~WorkerThreads();

  void add(Piece piece);

  void finish();

 private:
  static constexpr std::size_t most_for_caller = 8;

  /// Does without it if there are no more threads or memory: the others do the work, or else the caller.
  void start_thread() noexcept;

  void close();

  void run();

  /// Takes the first piece and unlocks while it is worked on.
  void run_one(std::unique_lock<std::mutex>& lock);

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/workers.ipp>
#endif
