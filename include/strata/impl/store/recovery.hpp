#pragma once

#include <strata/store/collect.hpp>
#include <strata/store/recovery.hpp>

#include <mutex>

namespace strata {

template <class Core>
void Recovery::before_layers(Core& core) {
  if (!done_ || left_) run(core);
}

template <class Core>
void Recovery::before_data(Core& core) {
  if (!done_ && is_data_left(core.layer_trash())) run(core);
}

template <class Core>
void Recovery::run(Core& core) {
  std::scoped_lock const alone(mutex_);
  if (running_ || (done_ && !left_)) return;
  running_ = true;
  left_ = false;
  try {
    collect_after_crash(core);
  } catch (...) {
    running_ = false;
    left_ = true;
    throw;
  }
  running_ = false;
  done_ = true;
}

}  // namespace strata
