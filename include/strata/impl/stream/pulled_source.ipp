#pragma once

#include <strata/stream/pulled_source.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE PulledSource::State::~State() {
  ring.cancel(std::move(stopped));
  if (thread.joinable()) thread.join();
}

STRATA_INLINE void PulledSource::Filler::write(Bytes bytes) {
  while (!bytes.empty()) {
    if (block_.empty()) block_ = ring_.claim();
    auto const count = std::min(bytes.size(), block_.size() - used_);
    std::memcpy(block_.data() + used_, bytes.data(), count);
    used_ += count;
    bytes = bytes.subspan(count);
    if (used_ == block_.size()) flush();
  }
}

STRATA_INLINE void PulledSource::Filler::flush() {
  if (used_ != 0) ring_.publish(std::exchange(used_, 0));
  block_ = {};
}

}  // namespace strata::archive
