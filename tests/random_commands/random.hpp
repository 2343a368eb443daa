#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace random_commands {

/// Choices that follow from a seed alone, on every machine: the standard fixes the engine's numbers, but not those of its
/// distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// 0 to n - 1; 0 for none.
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(engine_() % n); }
  bool percent(unsigned chance) { return below(100) < chance; }

  template <class Range>
  auto const& pick(Range const& from) {
    return std::data(from)[below(std::size(from))];
  }

  /// Fisher and Yates.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (auto i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  std::string text(std::string_view alphabet, std::size_t length) {
    std::string out;
    while (out.size() < length) out += pick(alphabet);
    return out;
  }
  std::string bytes(std::size_t length) {
    std::string out;
    while (out.size() < length) out += static_cast<char>(below(256));
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace random_commands
