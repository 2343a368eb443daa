#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

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
  Ordered(unsigned threads, std::function<Step()> make_worker, Step deliver);
  Ordered(Ordered const&) = delete;
  Ordered& operator=(Ordered const&) = delete;
  ~Ordered();

  /// The next piece to fill; waits until one is free.
  Piece& claim();

  /// Queues the piece claimed last.
  void submit();

  /// Waits until all submitted pieces have been delivered.
  void finish();

 private:
  template <class Body>
  void guarded(Body body) {
    try {
      body();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void work(Step step);

  void deliver_all();

  void fail(std::exception_ptr failure);

  void join();

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/codec/ordered.ipp>
#endif
