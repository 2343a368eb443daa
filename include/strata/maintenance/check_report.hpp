#pragma once

#include <strata/problem.hpp>
#include <strata/progress.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <vector>

namespace strata {

struct CheckOptions {
  bool quick = false;   ///< leave out what needs a look at every file's owner, mode and time
  bool digests = true;  ///< rebuild the tar of every imported layer, which reads all files
  /// Layers that no image and no container needs, and that are older than this, are found wanting; none: not looked for.
  std::optional<std::chrono::nanoseconds> unreferenced_after = {};
  std::chrono::seconds leftover_after = std::chrono::hours(1);  ///< see `ScanOptions`
  ProgressSink progress = {};                                   ///< `entries`: layers that were looked at
  std::stop_token stop = {};
};

struct CheckReport {
  /// By subject, then by id; those of one item in the order in which they were found.
  std::vector<Problem> problems = {};

  /// Nothing at all was found.
  bool clean() const noexcept { return problems.empty(); }
  /// No item is damaged.
  bool sound() const noexcept {
    return std::ranges::none_of(problems, [](auto const& f) { return f.severity == Severity::error; });
  }
  /// Items with errors.
  std::size_t damaged(Subject subject, bool read_only = false) const {
    std::set<std::string_view> ids;
    for (auto const& f : problems)
      if (f.severity == Severity::error && f.subject == subject && f.read_only == read_only) ids.insert(f.id);
    return ids.size();
  }
  std::vector<Problem> of(Subject subject, std::string_view id) const {
    std::vector<Problem> out;
    for (auto const& f : problems)
      if (f.subject == subject && f.id == id) out.push_back(f);
    return out;
  }
};

}  // namespace strata
