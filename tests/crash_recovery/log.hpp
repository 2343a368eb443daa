#pragma once

#include "operation.hpp"
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace crash_recovery {

/// The last step that was acknowledged, then those that were begun since: after any of them, the store may be.
using Candidates = std::vector<std::shared_ptr<Step const>>;

/// What a worker was told, kept by itself and read by whoever cuts the power.
class Log {
 public:
  Log() { steps_.push_back(std::make_shared<Step>()); }

  void begin(Step step) {
    std::lock_guard const lock(mutex_);
    steps_.push_back(std::make_shared<Step>(std::move(step)));
    while (steps_.size() > most_steps && first_ < acknowledged_) {
      steps_.pop_front();
      ++first_;
    }
  }
  void acknowledge() {
    std::lock_guard const lock(mutex_);
    acknowledged_ = first_ + steps_.size() - 1;
    changed_.notify_all();
  }

  State state() const {
    std::lock_guard const lock(mutex_);
    return steps_.back()->after;
  }
  std::size_t acknowledged() const {
    std::lock_guard const lock(mutex_);
    return acknowledged_;
  }
  /// All since then, by number of what was acknowledged.
  Candidates since(std::size_t acknowledged) const {
    std::lock_guard const lock(mutex_);
    return {steps_.begin() + static_cast<std::ptrdiff_t>(acknowledged - first_), steps_.end()};
  }
  /// Until one more is acknowledged, or the time is up.
  void wait_for_next(std::chrono::milliseconds at_most) const {
    std::unique_lock lock(mutex_);
    auto const before = acknowledged_;
    changed_.wait_for(lock, at_most, [&] { return acknowledged_ != before; });
  }

  std::string story(std::size_t most) const {
    std::lock_guard const lock(mutex_);
    std::string out;
    for (std::size_t i = steps_.size() > most ? steps_.size() - most : 0; i < steps_.size(); ++i)
      out += "    " + std::to_string(first_ + i) + (first_ + i > acknowledged_ ? " (begun) " : " ") +
             steps_[i]->operation.title() + '\n';
    return out;
  }

 private:
  static constexpr std::size_t most_steps = 400;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<std::shared_ptr<Step const>> steps_;
  std::size_t first_ = 0;  ///< number of the front step
  std::size_t acknowledged_ = 0;
};

}  // namespace crash_recovery
