#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>

namespace strata {

/// Flushes the records as these guards read them, if the store flushes at all: before files are moved or removed
/// because of what they tell. A process that died may have written a record and not flushed it, and no journal of
/// a file system orders what it wrote before a rename or an unlink that follows.
/// @param guards  of tables
/// @throws `errno`
template <class Core, class... Guards>
void flush_records(Core const& core, Guards const&... guards) {
  if (core.flush() == Flush::full) (guards.flush(), ...);
}

}  // namespace strata
