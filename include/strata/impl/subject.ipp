#pragma once

#include <strata/subject.hpp>

namespace strata {

STRATA_INLINE std::string_view to_text(Subject subject) noexcept {
  constexpr std::string_view words[] = {"layer", "image", "container", "store"};
  return words[static_cast<int>(subject)];
}

}  // namespace strata
