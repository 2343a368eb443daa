#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace bench {

/// Wall time of one call, in seconds.
template <class F>
double seconds(F&& call) {
  auto const started = std::chrono::steady_clock::now();
  std::forward<F>(call)();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

/// The least and the middle of several times. The least says what the work costs, the middle what a user sees.
struct Spread {
  double least = 0;
  double median = 0;
};

/// Runs `call` `runs` times, at least once.
template <class F>
Spread spread(std::size_t runs, F&& call) {
  std::vector<double> all;
  do all.push_back(seconds(call));
  while (all.size() < runs);
  std::ranges::sort(all);
  return {.least = all.front(), .median = all[all.size() / 2]};
}

}  // namespace bench
