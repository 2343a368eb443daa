#pragma once

#include <utility>
#include <vector>

namespace strata {

/// Removes the names of `next` from other records of the table, so that `next` can be stored.
/// @param table  locked exclusively by the caller
template <class Writing, class Record>
void take_names(Writing& table, Record const& next) {
  for (auto const& name : next.names)
    if (auto const holder = table.by_name(name); holder && holder->id != next.id) {
      Record poorer = *holder;
      std::erase(poorer.names, name);
      table.put(std::move(poorer));
    }
}

}  // namespace strata
