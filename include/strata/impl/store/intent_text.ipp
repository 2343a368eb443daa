#pragma once

#include <strata/store/intent_text.hpp>

namespace strata::detail {

STRATA_INLINE std::string_view IntentText::line() {
  auto const end = rest_.find('\n');
  auto const found = rest_.substr(0, end);
  rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
  return found;
}

}  // namespace strata::detail
