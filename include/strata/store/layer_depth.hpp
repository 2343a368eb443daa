#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strata::detail {

/// Number of layers in a chain, including the layer itself; each counted once, even if hand-edited records
/// form a cycle.
/// @param find  id to record, or null
template <class Find>
std::size_t layer_depth(std::string const& id, Find&& find) {
  std::set<std::string_view> seen;
  for (auto const* at = find(id); at != nullptr && seen.insert(at->id).second;) at = find(at->parent);
  return seen.size();
}

/// Sorts elements that refer to layers so that children precede their parents.
/// @param id_of  element to layer id
/// @param find   as above
template <class Element, class IdOf, class Find>
void sort_children_first(std::vector<Element>& elements, IdOf&& id_of, Find&& find) {
  std::map<std::string, std::size_t> depths;
  for (auto const& element : elements) depths.emplace(id_of(element), layer_depth(id_of(element), find));
  std::ranges::stable_sort(elements, std::greater(),
                           [&](Element const& element) { return depths.at(id_of(element)); });
}

}  // namespace strata::detail
