#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace strata::detail {

/// How many layers a layer stands on, itself counted; each once, where records that were edited by hand go in a circle.
/// What is removed in the order of falling depths never leaves a child without its parent.
///
/// @param find  (id) -> the record, or null
template <class Find>
std::size_t layer_depth(std::string const& id, Find&& find) {
  std::set<std::string_view> seen;
  for (auto const* at = find(id); at != nullptr && seen.insert(at->id).second;) at = find(at->parent);
  return seen.size();
}

}  // namespace strata::detail
