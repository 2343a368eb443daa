#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace strata {

/// The kind of long operation that is running.
enum class Phase { import_layer, export_layer, copy, change_owners, check, dedup };

/// Progress of a long operation.
struct Progress {
  Phase phase = Phase::import_layer;
  std::uint64_t bytes = 0;    ///< input bytes read (import), output bytes written (export)
  std::uint64_t entries = 0;  ///< archive entries processed
  std::optional<std::uint64_t> total_bytes = {};  ///< final value of `bytes`, if the source knows it
};

/// Called on the thread that started the operation, at most a few times a second, and once at its end.
using ProgressSink = std::function<void(Progress const&)>;

/// Limits progress reports to four a second. Not safe for concurrent use.
class Pace {
 public:
  /// True if the last report is at least 250 ms old; then the interval starts again.
  bool is_due() noexcept;

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Lets a caller follow and cancel a long operation. Members left empty cost nothing.
struct Control {
  ProgressSink progress = {};
  std::stop_token stop = {};

  /// Throws `Errc::stopped` if a stop was requested.
  void check() const;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/progress.ipp>
#endif
