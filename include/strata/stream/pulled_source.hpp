#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/stream/block_ring.hpp>

#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <thread>
#include <utility>

namespace strata::archive {

/// Turns code that writes into a stream that is pulled: the code runs on a thread of its own, at most 2 MiB ahead.
///
///     Source tar = archive::PulledSource([layer](Sink to) { layer.diff(std::move(to)); });
///
/// What the code throws is rethrown by `next()`, after all bytes written before. Destruction makes the next write throw
/// `Errc::stopped`, and waits for the code to end. Not safe for concurrent use.
class PulledSource {
 public:
  /// @param write  called once with a `Sink`, on the other thread; what it captures is destroyed there
  /// @throws `std::system_error` if no thread can be started
  template <class Write>
  explicit PulledSource(Write write) : state_(std::make_unique<State>()) {
    state_->thread = std::thread([&ring = state_->ring, write = std::move(write)]() mutable {
      std::exception_ptr failure;
      try {
        Filler filler(ring);
        Write run = std::move(write);
        try {
          run(Sink(ToFiller{&filler}));
        } catch (...) {
          failure = std::current_exception();
        }
        filler.flush();
      } catch (...) {
        failure = std::current_exception();
      }
      ring.close(std::move(failure));
    });
  }

  Bytes next() { return state_->ring.next(0); }

 private:
  static constexpr std::size_t block_bytes = std::size_t{256} << 10;

  struct State {
    State() = default;
    State(State const&) = delete;
    State& operator=(State const&) = delete;
    ~State();
    BlockRing ring{8, block_bytes, 1};
    std::exception_ptr stopped = std::make_exception_ptr(Error(Errc::stopped, "output no longer read"));
    std::thread thread;
  };

  /// Gathers small writes into blocks.
  class Filler {
   public:
    explicit Filler(BlockRing& ring) : ring_(ring) {}
    void write(Bytes bytes);
    void flush();

   private:
    BlockRing& ring_;
    std::span<std::byte> block_ = {};
    std::size_t used_ = 0;
  };
  struct ToFiller {
    Filler* filler;
    void write(Bytes bytes) { filler->write(bytes); }
  };

  std::unique_ptr<State> state_;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/stream/pulled_source.ipp>
#endif
