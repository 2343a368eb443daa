#pragma once

#include <strata/concepts/serializer.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// One change of a table: a row that is new or replaces the one of its id, or else an id to erase.
template <class Record>
struct RecordChange {
  Row<Record> put = {};
  std::string erase = {};   ///< used if `put` is null
  Row<Record> erased = {};  ///< what had that id, if it is known
};

/// What records are loaded into.
template <class T, class Record>
concept RecordTarget = requires(T& target, Record record, std::string_view id) {
  target.clear();
  target.put(std::move(record));  // inserts, or replaces the one of the same id
  target.erase(id);               // nothing happens if there is none
};

}  // namespace strata
