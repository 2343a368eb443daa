#pragma once

#include <strata/records/names.hpp>

#include <algorithm>

namespace strata::names {

STRATA_INLINE bool contains(List const& list, std::string const& name) {
  return std::ranges::find(list, name) != list.end();
}

STRATA_INLINE void append(List& list, List const& added) {
  for (auto const& name : added)
    if (!contains(list, name)) list.push_back(name);
}

STRATA_INLINE List unique(List const& list) {
  List out;
  append(out, list);
  return out;
}

STRATA_INLINE List add(List const& old, List const& added) {
  List out = unique(added);
  append(out, old);
  return out;
}

STRATA_INLINE List remove(List const& old, List const& removed) {
  List out;
  for (auto const& name : old)
    if (!contains(removed, name)) out.push_back(name);
  return out;
}

STRATA_INLINE List history(List old, List const& now) {
  for (auto const& name : now) {
    std::erase(old, name);
    old.insert(old.begin(), name);
  }
  return old;
}

}  // namespace strata::names
