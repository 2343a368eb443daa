#pragma once

#include <strata/separate.hpp>

#include <string>
#include <utility>
#include <vector>

/// Names of one item: a list without repeats. That a name is unique within a kind is the table's concern.
namespace strata::names {

using List = std::vector<std::string>;

bool contains(List const& list, std::string const& name);

/// Appends the names that are not in the list yet.
void append(List& list, List const& added);

/// Each name once, at its first position.
List unique(List const& list);

/// New names come first, in the given order, then the old ones (as in containers/storage since 1.44).
List add(List const& old, List const& added);

/// The list without the given names.
List remove(List const& old, List const& removed);

/// The history after an item was given the names `now`: each moves to the front in turn, so that the newest
/// comes first, without repeats.
List history(List old, List const& now);

}  // namespace strata::names

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/names.ipp>
#endif
