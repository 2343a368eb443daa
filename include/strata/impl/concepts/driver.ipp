#pragma once

#include <strata/concepts/driver.hpp>

namespace strata {

STRATA_INLINE std::string_view to_text(ChangeKind kind) noexcept {
  constexpr std::string_view words[] = {"modified", "added", "removed"};
  return words[static_cast<int>(kind)];
}

}  // namespace strata
