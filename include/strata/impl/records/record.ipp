#pragma once

#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

namespace strata {

STRATA_INLINE bool is_set(Flags const& flags, std::string const& key) {
  auto const found = flags.find(key);
  return found != flags.end() && found->second.text == "true";
}

}  // namespace strata
