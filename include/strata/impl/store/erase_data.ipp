#pragma once

#include <strata/records/big_data.hpp>
#include <strata/records/record.hpp>
#include <strata/store/erase_data.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>

namespace strata::detail {

STRATA_INLINE bool is_stored_in(names::List const& keys, fs::path const& name) {
  return std::ranges::any_of(keys, [&](std::string const& key) {
    try {
      return fs::path(big_data_file_name(key)) == name;
    } catch (Error const&) {
      return false;
    }
  });
}

STRATA_INLINE void remove_data_file(fs::path const& directory, std::string const& key,
                                    names::List const& kept, Flush flush, bool& changed) {
  auto const name = big_data_file_name(key);
  if (is_stored_in(kept, name)) return;
  auto const file = directory / name;
  changed = sys::remove_file(file);
  auto const above = sys::remove_empty_parents(file, directory);
  changed = changed || above != file.parent_path();
  if (flush == Flush::full && sys::is_directory(above)) sys::sync_directory(above);
}

}  // namespace strata::detail
