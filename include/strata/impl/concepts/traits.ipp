#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/problem.hpp>

namespace strata {

STRATA_INLINE bool TraitDefaults::may_edit(std::string_view field) {
  return field == "metadata" || field == "mountlabel" || field == "flags";
}

}  // namespace strata
