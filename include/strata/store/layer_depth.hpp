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

/// How many layers a layer stands on, itself counted; each once, where records that were edited by hand go in a circle.
/// @param find  (id) -> the record, or null
template <class Find>
std::size_t layer_depth(std::string const& id, Find&& find) {
  std::set<std::string_view> seen;
  for (auto const* at = find(id); at != nullptr && seen.insert(at->id).second;) at = find(at->parent);
  return seen.size();
}

/// Sorts what has to do with layers so that none comes after one that it stands on, where none stands on itself.
/// @param id_of  (element) -> the layer's id
/// @param find   as above
template <class Element, class IdOf, class Find>
void sort_children_first(std::vector<Element>& elements, IdOf&& id_of, Find&& find) {
  std::map<std::string, std::size_t> depths;
  for (auto const& element : elements) depths.emplace(id_of(element), layer_depth(id_of(element), find));
  std::ranges::stable_sort(elements, std::greater(),
                           [&](Element const& element) { return depths.at(id_of(element)); });
}

}  // namespace strata::detail
