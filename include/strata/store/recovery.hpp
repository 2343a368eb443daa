#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <atomic>
#include <mutex>

namespace strata {

/// Completes the intents of dead processes, once per open store: before its layers are first used, or before
/// other items are, if data of one was being replaced. Intents that this process itself leaves are completed
/// at the next access to layers. Thread-safe.
class Recovery {
 public:
  /// Marks that intents were left, as if this process had died.
  void again() noexcept { left_ = true; }

  /// Call before layers are used, without a guard of a table. @throws as `collect_after_crash`
  template <class Core>
  void before_layers(Core& core);
  /// Call before other items are used; the first call in a process must be made without a guard.
  template <class Core>
  void before_data(Core& core);

 private:
  bool is_data_left(fs::path const& trash);

  /// Other threads wait; calls from the thread that runs the recovery return at once, since it uses the
  /// tables.
  template <class Core>
  void run(Core& core);

  std::atomic<bool> done_ = false;
  std::atomic<bool> left_ = false;
  std::atomic<bool> no_data_left_ = false;
  std::recursive_mutex mutex_;
  bool running_ = false;  ///< by the thread that holds the mutex
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/recovery.hpp>
#include <strata/impl/store/recovery.ipp>
#endif
