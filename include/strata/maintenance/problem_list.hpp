#pragma once

#include <strata/error.hpp>
#include <strata/problem.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace strata::detail {

/// Collects the problems that a check finds. Not thread-safe.
class ProblemList {
 public:
  std::vector<Problem>& all() noexcept { return problems_; }

  void add_all(std::vector<Problem> const& found);
  Problem& add(Severity severity, Subject subject, std::string id, ProblemKind kind, std::string text,
               RepairAction action);

  /// Runs `look` and marks every problem it reports as one of a read-only store.
  template <class Look>
  void read_only(Look&& look) {
    auto const before = problems_.size();
    look();
    for (auto at = before; at < problems_.size(); ++at) {
      auto& found = problems_[at];
      if (!found.read_only && !found.inherited) found.text = "read-only " + found.text;
      found.read_only = true;
      found.action = RepairAction::none;
    }
  }

  /// Reports transient errors as `ProblemKind::unreadable`.
  template <class Look>
  void unless_unreadable(std::string const& id, Look&& look) {
    try {
      look();
    } catch (std::system_error const& error) {
      if (!sys::is_transient(error)) throw;
      auto text = "layer " + id + ": " + error.what();
      if (told_.insert(text).second)
        add(Severity::error, Subject::layer, id, ProblemKind::unreadable, std::move(text),
            RepairAction::none);
    }
  }

  /// Reports the problems of an item also for an item that depends on it.
  void inherit(Subject from, std::string_view from_id, Subject to, std::string const& to_id);

  /// All problems, sorted by subject and id.
  std::vector<Problem> sorted() &&;

 private:
  std::vector<Problem> problems_ = {};
  std::set<std::string> told_ = {};  ///< texts of unreadable files, each reported once
};

}  // namespace strata::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/problem_list.ipp>
#endif
