#pragma once

#include <array>
#include <string_view>

namespace fault {

/// A rule that an operation is known to break, while its mend is on the way: the point is counted apart.
struct Known {
  std::string_view operation;  ///< the beginning of its name
  std::string_view rule;
  std::string_view why;
};

inline constexpr auto known = std::to_array<Known>({
    {"copy", "a retry gives the new state", "a directory that is there keeps its mode"},
    {"allocations", "strong guarantee",
     "what takes several steps is finished by the next opener, not in the object"},
});

inline Known const* find_known(std::string_view operation, std::string_view rule) {
  for (auto const& one : known)
    if (operation.starts_with(one.operation) && rule == one.rule) return &one;
  return nullptr;
}

}  // namespace fault
