#pragma once

#include <strata/concepts/bytes.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strata::codec::detail {

/// A part of a stream processed by `Ordered`.
struct Piece {
  std::vector<std::byte> plain;  ///< `history` preceding bytes, then the piece's own
  std::size_t history = 0;
  std::vector<std::byte> packed;  ///< the worker's output

  Bytes before() const { return Bytes(plain).first(history); }
  Bytes own() const { return Bytes(plain).subspan(history); }
};

/// Processes pieces in parallel and delivers them in order, with a bounded number in flight.
///
/// One thread calls `claim()` and `submit()`; workers and delivery run on their own threads. An exception of
/// any of them is rethrown by the next `claim()` or `finish()`.
class Ordered {
 public:
  using Step = std::function<void(Piece&)>;

  /// @param make_worker called once on each worker thread
  /// @param deliver called with each finished piece, in order
  Ordered(unsigned threads, std::function<Step()> make_worker, Step deliver)
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
  Ordered(Ordered const&) = delete;
  Ordered& operator=(Ordered const&) = delete;
  ~Ordered() {
    fail(nullptr);
    join();
  }

  /// The next piece to fill; waits until one is free.
  Piece& claim() {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [&] { return stopped_ || submitted_ - delivered_ < pieces_.size(); });
    if (stopped_ && failure_) std::rethrow_exception(failure_);
    return pieces_[submitted_ % pieces_.size()];
  }

  /// Queues the piece claimed last.
  void submit() {
    {
      std::lock_guard const lock(mutex_);
      done_[submitted_ % pieces_.size()] = false;
      ++submitted_;
    }
    work_.notify_one();
  }

  /// Waits until all submitted pieces have been delivered.
  void finish() {
    {
      std::unique_lock lock(mutex_);
      free_.wait(lock, [&] { return stopped_ || delivered_ == submitted_; });
    }
    fail(nullptr);
    join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  template <class Body>
  void guarded(Body body) {
    try {
      body();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void work(Step step) {
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

  void deliver_all() {
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

  void fail(std::exception_ptr failure) {
    std::lock_guard const lock(mutex_);
    if (!stopped_) failure_ = std::move(failure);
    stopped_ = true;
    work_.notify_all();
    packed_.notify_all();
    free_.notify_all();
  }

  void join() {
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  std::mutex mutex_;  // guards the members below except the pieces, each of which one thread uses at a time
  std::condition_variable work_, packed_, free_;
  std::uint64_t submitted_ = 0, taken_ = 0, delivered_ = 0;  // numbers of pieces
  bool stopped_ = false;
  std::exception_ptr failure_;
  std::vector<Piece> pieces_;
  std::vector<char> done_;  // per element of `pieces_`: packed but not delivered
  Step deliver_;
  std::vector<std::thread> threads_;
};

}  // namespace strata::codec::detail
