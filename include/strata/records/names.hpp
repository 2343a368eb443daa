#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// Names of one item: a list without repeats. Which item of a kind holds a name is the table's business.
namespace strata::names {

using List = std::vector<std::string>;

inline bool contains(List const& list, std::string const& name) {
  return std::ranges::find(list, name) != list.end();
}

/// Appends those that are not there yet.
inline void append(List& list, List const& added) {
  for (auto const& name : added)
    if (!contains(list, name)) list.push_back(name);
}

/// Each name once, at its first place.
inline List unique(List const& list) {
  List out;
  append(out, list);
  return out;
}

/// New names stand in front, in the order given, then the old ones (as containers/storage since 1.44).
inline List add(List const& old, List const& added) {
  List out = unique(added);
  append(out, old);
  return out;
}

inline List remove(List const& old, List const& removed) {
  List out;
  for (auto const& name : old)
    if (!contains(removed, name)) out.push_back(name);
  return out;
}

/// The history after an item got the names `now`: each goes to the front in turn, so that the newest is first
/// and none stands twice.
inline List history(List old, List const& now) {
  for (auto const& name : now) {
    std::erase(old, name);
    old.insert(old.begin(), name);
  }
  return old;
}

}  // namespace strata::names
