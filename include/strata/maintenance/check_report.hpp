#pragma once

#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

namespace strata {

/// Options of `check`.
struct CheckOptions {
  bool quick = false;   ///< skip comparing owner, mode and time of every file
  bool digests = true;  ///< rebuild the tar of each imported layer, which reads all files
  /// Report layers older than this that no image and no container needs; unset: do not.
  std::optional<std::chrono::nanoseconds> unreferenced_after = {};
  std::chrono::seconds leftover_after = std::chrono::hours(1);  ///< see `ScanOptions`
  ProgressSink progress = {};                                   ///< `entries`: layers checked
  std::stop_token stop = {};
};

/// Result of `check`.
struct CheckReport {
  /// Sorted by subject and id; problems of one item in the order in which they were found.
  std::vector<Problem> problems = {};

  /// True if nothing was found.
  bool clean() const noexcept { return problems.empty(); }
  /// True if no item has errors.
  bool sound() const noexcept;
  /// Number of items with errors.
  std::size_t damaged(Subject subject, bool read_only = false) const;
  /// Problems of one item.
  std::vector<Problem> of(Subject subject, std::string_view id) const;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/check_report.ipp>
#endif
