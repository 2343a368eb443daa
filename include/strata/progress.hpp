#pragma once

#include <strata/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace strata {

/// What a long call is doing.
enum class Phase { import_layer, export_layer, copy, change_owners, check, dedup };

/// How far a long call has come.
struct Progress {
  Phase phase = Phase::import_layer;
  std::uint64_t bytes = 0;    ///< input bytes consumed (import), output bytes produced (export)
  std::uint64_t entries = 0;  ///< archive entries done
  std::optional<std::uint64_t> total_bytes = {};  ///< what `bytes` will be at the end, where that is known
};

/// Called from the thread that made the long call, a few times a second at most, and once at its end.
using ProgressSink = std::function<void(Progress const&)>;

/// Is it time for another report? Four times a second.
class Pace {
 public:
  bool is_due() noexcept {
    auto const now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(250)) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// How a caller follows and stops a long call; both cost nothing when left empty.
struct Control {
  ProgressSink progress = {};
  std::stop_token stop = {};

  /// Throws `Errc::stopped` once the caller asked to stop.
  void check() const {
    if (stop.stop_requested()) throw Error(Errc::stopped, "the caller's request");
  }
};

}  // namespace strata
