#pragma once

#include <strata/fs.hpp>

#include "step.hpp"
#include "stores.hpp"
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace random_commands {

struct Shrunk {
  std::vector<Step> steps;
  Difference difference;
};

/// Whether a command can be left out without a second thought.
inline bool only_looks(Step const& step) {
  if (step.malformed) return true;
  for (auto const* word : {"list-", "get-", "diff", "changes", "exists", "metadata", "layers", "images",
                           "containers", "status", "version", "mounted"})
    if (step.command.starts_with(word)) return true;
  return step.command == "layer" || step.command == "image" || step.command == "container";
}

/// The words of a step by which it and others may speak of the same item: ids and names, no paths.
inline std::vector<std::string> spoken_of(Step const& step) {
  auto words = step.edit ? std::vector{step.edit->item} : step.items;
  for (auto const* option : {"id", "name"})
    for (auto const& value : step.values(option)) words.push_back(value);
  for (auto& word : words) {
    if (word.starts_with("@top:")) word = word.substr(5, word.rfind('@') - 5);
    word = word.substr(0, word.find(':'));
  }
  return words;
}

/// What a difference is about and may need: the last step, or for trees the layers named; the steps before that speak of
/// the same, and so on.
inline std::vector<Step> related(std::vector<Step> const& steps, Difference const& difference) {
  std::vector<Step> found;
  std::set<std::string> wanted;
  bool const trees = difference.where == "trees";
  if (trees)
    for (auto const& line : split(difference.text)) {
      strata::fs::path const path(line);
      if (auto at = path.begin(); line.find("<root>") != line.npos && std::distance(at, path.end()) > 3)
        for (int i = 0; i < 2; ++i) wanted.insert(std::next(at, 2 + i)->native());
    }
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    auto const words = spoken_of(*step);
    if ((trees || !found.empty()) &&
        std::ranges::none_of(words, [&](auto const& word) { return wanted.contains(word); }))
      continue;
    wanted.insert(words.begin(), words.end());
    found.push_back(*step);
  }
  std::ranges::reverse(found);
  return found;
}

/// Runs a sequence on new stores. @return  its first difference and the number of steps that it took
inline std::optional<std::pair<Difference, std::size_t>> replay(Setting const& setting,
                                                                std::vector<Step> const& steps,
                                                                Difference const& wanted) {
  Stores stores(setting, !wanted.on_shared);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (auto difference = stores.perform(steps[i])) return std::pair(*difference, i + 1);
    if (wanted.where == "trees" && !only_looks(steps[i]))
      if (auto difference = stores.compare_trees()) return std::pair(*difference, i + 1);
  }
  return {};
}

/// Leaves out steps as long as a difference of the same name remains, in pieces that get smaller; not for longer than a
/// minute. Steps that needed one that is gone fail alike in both programs, and do no harm.
inline Shrunk shrink(Setting const& setting, std::vector<Step> steps, Difference difference) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  auto const keep_if_shown = [&](std::vector<Step> fewer) {
    if (fewer.empty() || fewer.size() == steps.size()) return false;
    auto found = replay(setting, fewer, difference);
    if (!found || found->first.where != difference.where) return false;
    fewer.resize(found->second);
    steps = std::move(fewer);
    difference = found->first;
    return true;
  };
  auto const keep_without = [&](auto const& needless) {
    auto fewer = steps;
    std::erase_if(fewer, [&](auto const& step) { return &step != &fewer.back() && needless(step); });
    return keep_if_shown(std::move(fewer));
  };
  keep_if_shown(related(steps, difference));
  keep_without([](auto const& step) { return only_looks(step) || step.in_vain; }) ||
      keep_without([](auto const& step) { return only_looks(step); });
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

}  // namespace random_commands
