#pragma once

#include <strata/id.hpp>

namespace strata {

STRATA_INLINE bool is_safe_component(std::string_view text) noexcept {
  return !text.empty() && text != "." && text != ".." && text.size() <= 255 &&
         text.find('/') == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

STRATA_INLINE Ref Ref::exactly(std::string id) {
  Ref ref(std::move(id));
  ref.is_id_ = true;
  return ref;
}

}  // namespace strata
