#pragma once

#include <strata/error.hpp>
#include <strata/oci/checked_layer.hpp>
#include <strata/stream/block_ring.hpp>
#include <strata/stream/decompressing_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <span>
#include <thread>
#include <utility>

namespace strata::oci {

STRATA_INLINE void check_diff_id(PlannedLayer const& layer, Digest const& found) {
  if (found != layer.diff_id)
    throw Error(Errc::digest_mismatch, "layer " + layer.blob.digest.str() + ", unpacks to " + found.str() +
                                           ", in its configuration " + layer.diff_id.str());
}

struct CheckedLayer::State {
  State(Source blob, PlannedLayer planned, Unpacking how, std::uint64_t bytes)
      : in(std::move(blob)), layer(std::move(planned)), unpacking(how), plain_bytes(bytes) {}
  State(State const&) = delete;
  State& operator=(State const&) = delete;
  ~State() {
    ring.cancel(std::make_exception_ptr(Error(Errc::stopped, "layer no longer read")));
    join();
  }

  void start() {
    reading = std::thread([this] { read(); });
    try {
      checking = std::thread([this] { check(); });
    } catch (...) {
      ring.cancel(std::current_exception());
      throw;
    }
  }

  void read() noexcept try {
    for (Bytes part = in.next(); !part.empty(); part = in.next())
      while (!part.empty()) {
        auto const block = ring.claim();
        auto const count = std::min(block.size(), part.size());
        std::memcpy(block.data(), part.data(), count);
        ring.publish(count);
        part = part.subspan(count);
      }
    ring.close();
  } catch (...) {
    ring.close(std::current_exception());
  }

  void check() noexcept try {
    auto plain = unpacking.open(archive::BlockReader(ring, 1), plain_bytes);
    while (!plain.next().empty()) continue;
    check_diff_id(layer, plain.finish().plain_digest);
  } catch (...) {
    failure = std::current_exception();
    ring.cancel(failure);  // the other reader must not wait for this one
  }

  void join() noexcept {
    if (reading.joinable()) reading.join();
    if (checking.joinable()) checking.join();
  }

  Source in;
  PlannedLayer layer;
  Unpacking unpacking;
  std::uint64_t plain_bytes;
  archive::BlockRing ring{8, std::size_t{256} << 10U, 2};
  std::exception_ptr failure = nullptr;  // read after the thread has ended
  std::thread reading = {};
  std::thread checking = {};
};

STRATA_INLINE CheckedLayer::CheckedLayer(Source blob, PlannedLayer layer, Unpacking unpacking,
                                         std::uint64_t plain_bytes)
    : state_(std::make_unique<State>(std::move(blob), std::move(layer), unpacking, plain_bytes)) {
  state_->start();
}

STRATA_INLINE CheckedLayer::CheckedLayer(CheckedLayer&&) noexcept = default;

STRATA_INLINE CheckedLayer::~CheckedLayer() = default;

STRATA_INLINE Bytes CheckedLayer::next() {
  auto const part = state_->ring.next(0);
  if (!part.empty()) return part;
  state_->join();
  if (state_->failure) std::rethrow_exception(state_->failure);
  return part;
}

STRATA_INLINE std::optional<std::uint64_t> CheckedLayer::size() const noexcept {
  return state_->layer.blob.size;
}

}  // namespace strata::oci
