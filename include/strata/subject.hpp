#pragma once

#include <string_view>

namespace strata {

/// The kind of item that an error or a problem concerns.
enum class Subject { layer, image, container, store };

inline std::string_view to_text(Subject subject) noexcept {
  constexpr std::string_view words[] = {"layer", "image", "container", "store"};
  return words[static_cast<int>(subject)];
}

}  // namespace strata
