#pragma once

#include <strata/progress.hpp>

namespace strata {

STRATA_INLINE bool Pace::is_due() noexcept {
  auto const now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(250)) return false;
  last_ = now;
  return true;
}

STRATA_INLINE void Control::check() const {
  if (stop.stop_requested()) throw Error(Errc::stopped, "the caller's request");
}

}  // namespace strata
