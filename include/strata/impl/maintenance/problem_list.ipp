#pragma once

#include <strata/maintenance/problem_list.hpp>

#include <algorithm>

namespace strata::detail {

STRATA_INLINE void ProblemList::add_all(std::vector<Problem> const& found) {
  problems_.insert(problems_.end(), found.begin(), found.end());
}

STRATA_INLINE Problem& ProblemList::add(Severity severity, Subject subject, std::string id, ProblemKind kind,
                                        std::string text, RepairAction action) {
  return problems_.emplace_back(Problem{.severity = severity,
                                        .subject = subject,
                                        .id = std::move(id),
                                        .kind = kind,
                                        .text = std::move(text),
                                        .about = {},
                                        .action = action});
}

STRATA_INLINE void ProblemList::inherit(Subject from, std::string_view from_id, Subject to,
                                        std::string const& to_id) {
  for (std::size_t i = 0, count = problems_.size(); i < count; ++i) {
    auto const& found = problems_[i];
    if (found.subject != from || found.id != from_id || found.severity != Severity::error) continue;
    if (found.kind == ProblemKind::layer_unreferenced) continue;
    auto copy = found;
    copy.subject = to;
    copy.id = to_id;
    copy.inherited = true;
    copy.read_only = false;  // only the store of the dependent item matters
    problems_.push_back(std::move(copy));
  }
}

STRATA_INLINE std::vector<Problem> ProblemList::sorted() && {
  std::ranges::stable_sort(problems_, [](Problem const& a, Problem const& b) {
    return std::tie(a.subject, a.id) < std::tie(b.subject, b.id);
  });
  return std::move(problems_);
}

}  // namespace strata::detail
