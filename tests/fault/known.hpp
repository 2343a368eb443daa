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
    {"set-", "check is clean afterwards", "data is replaced before its record is"},
    {"import-layer", "says what failed", "unpacking takes what cannot be looked at for absent"},
    {"import-layer", "check is clean afterwards", "unpacking takes what cannot be looked at for absent"},
    {"import-layer", "acknowledges with other output", "output that cannot be written"},
    {"applydiff", "says what failed", "unpacking takes what cannot be looked at for absent"},
    {"applydiff", "old or new state", "the contents are published before the record"},
    {"applydiff", "check is clean afterwards", "the contents are published before the record"},
    {"applydiff", "a retry succeeds", "the contents are published before the record"},
    {"applydiff", "a retry gives the new state", "the contents are published before the record"},
    {"create-", "acknowledges with other output", "output that cannot be written"},
    {"delete-", "acknowledges with other output", "output that cannot be written"},
    {"mount", "acknowledges with other output", "output that cannot be written"},
    {"unmount", "acknowledges with other output", "output that cannot be written"},
    {"delete-", "check is clean afterwards", "what a delete leaves counts as damage"},
    {"changes", "acknowledges with other output", "output that cannot be written"},
    {"allocations", "crashes", "Index, the readers of directories, destructors"},
    {"allocations", "strong guarantee", "Index, data that is replaced, applydiff"},
});

inline Known const* find_known(std::string_view operation, std::string_view rule) {
  for (auto const& one : known)
    if (operation.starts_with(one.operation) && rule == one.rule) return &one;
  return nullptr;
}

}  // namespace fault
