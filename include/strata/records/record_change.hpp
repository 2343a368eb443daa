#pragma once

#include <strata/concepts/serializer.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// One change of a table: a row to insert or to replace the one with its id, or else an id to erase.
template <class Record>
struct RecordChange {
  Row<Record> put = {};
  std::string erase = {};   ///< used if `put` is null
  Row<Record> erased = {};  ///< the row that had that id, if known
};

/// Target into which records are loaded.
template <class T, class Record>
concept RecordTarget = requires(T& target, Record record, std::string_view id) {
  target.clear();
  target.put(std::move(record));  // inserts, or replaces the one with its id
  target.erase(id);               // no effect if there is none
};

}  // namespace strata
