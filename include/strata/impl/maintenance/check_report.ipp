#pragma once

#include <strata/maintenance/check_report.hpp>

#include <algorithm>
#include <set>

namespace strata {

STRATA_INLINE bool CheckReport::sound() const noexcept {
  return std::ranges::none_of(problems, [](auto const& f) { return f.severity == Severity::error; });
}

STRATA_INLINE std::size_t CheckReport::damaged(Subject subject, bool read_only) const {
  std::set<std::string_view> ids;
  for (auto const& f : problems)
    if (f.severity == Severity::error && f.subject == subject && f.read_only == read_only) ids.insert(f.id);
  return ids.size();
}

STRATA_INLINE std::vector<Problem> CheckReport::of(Subject subject, std::string_view id) const {
  std::vector<Problem> out;
  for (auto const& f : problems)
    if (f.subject == subject && f.id == id) out.push_back(f);
  return out;
}

}  // namespace strata
