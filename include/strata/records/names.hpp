#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// Names of one item: a list without repeats. That a name is unique within a kind is the table's concern.
namespace strata::names {

using List = std::vector<std::string>;

inline bool contains(List const& list, std::string const& name) {
  return std::ranges::find(list, name) != list.end();
}

/// Appends the names that are not in the list yet.
inline void append(List& list, List const& added) {
  for (auto const& name : added)
    if (!contains(list, name)) list.push_back(name);
}

/// Each name once, at its first position.
inline List unique(List const& list) {
  List out;
  append(out, list);
  return out;
}

/// New names come first, in the given order, then the old ones (as in containers/storage since 1.44).
inline List add(List const& old, List const& added) {
  List out = unique(added);
  append(out, old);
  return out;
}

/// The list without the given names.
inline List remove(List const& old, List const& removed) {
  List out;
  for (auto const& name : old)
    if (!contains(removed, name)) out.push_back(name);
  return out;
}

/// The history after an item was given the names `now`: each moves to the front in turn, so that the newest
/// comes first, without repeats.
inline List history(List old, List const& now) {
  for (auto const& name : now) {
    std::erase(old, name);
    old.insert(old.begin(), name);
  }
  return old;
}

}  // namespace strata::names
