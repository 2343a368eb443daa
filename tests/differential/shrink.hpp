#pragma once

#include "step.hpp"
#include "stores.hpp"
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace differential {

struct Shrunk {
  std::vector<Step> steps;
  Difference difference;
};

/// Runs a sequence on new stores. @return  its first difference and the number of steps that it took
inline std::optional<std::pair<Difference, std::size_t>> replay(Setting const& setting,
                                                                std::vector<Step> const& steps, bool trees) {
  Stores stores(setting);
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (auto difference = stores.perform(steps[i])) return std::pair(*difference, i + 1);
  if (trees)
    if (auto difference = stores.compare_trees()) return std::pair(*difference, steps.size());
  return {};
}

/// Whether a command can be left out without a second thought.
inline bool only_looks(Step const& step) {
  if (step.malformed) return true;
  for (auto const* word : {"list-", "get-", "diff", "changes", "exists", "metadata", "layers", "images",
                           "containers", "status", "version", "mounted"})
    if (step.command.starts_with(word)) return true;
  return step.command == "layer" || step.command == "image" || step.command == "container";
}

/// Leaves out steps as long as a difference of the same name remains, in pieces that get smaller; not for longer than
/// half a minute. Steps that needed one that is gone fail alike in both programs, and do no harm.
inline Shrunk shrink(Setting const& setting, std::vector<Step> steps, Difference difference) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool const trees = difference.where == "trees";
  auto const keep_if_shown = [&](std::vector<Step> fewer) {
    auto found = fewer.empty() ? std::nullopt : replay(setting, fewer, trees);
    if (!found || found->first.where != difference.where) return;
    fewer.resize(found->second);
    steps = std::move(fewer);
    difference = found->first;
  };
  auto changing = steps;
  std::erase_if(changing, [&](auto const& step) { return only_looks(step) && &step != &changing.back(); });
  keep_if_shown(std::move(changing));
  for (auto piece = std::max<std::size_t>(steps.size() / 2, 1); piece > 0; piece /= 2) {
    for (std::size_t end = steps.size(); end > 0 && std::chrono::steady_clock::now() < until;) {
      auto const begin = end > piece ? end - piece : 0;
      auto fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin),
                  fewer.begin() + static_cast<std::ptrdiff_t>(end));
      keep_if_shown(std::move(fewer));
      end = std::min(begin, steps.size());
    }
  }
  return {std::move(steps), std::move(difference)};
}

inline std::string indented(std::string const& text) {
  std::string out;
  std::size_t lines = 0;
  for (auto const& line : split(text)) {
    if (++lines > 60) return out + "    …\n";
    out += "    " + line + (line.ends_with('\n') ? "" : "\n");
  }
  return out;
}

}  // namespace differential
