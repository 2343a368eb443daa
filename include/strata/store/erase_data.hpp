#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/names.hpp>
#include <strata/separate.hpp>
#include <strata/store/data_intent.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/sys/file.hpp>

#include <string>
#include <string_view>
#include <utility>

/// Erasing big data takes the key out of the record, and then removes the file. An intent record tells the
/// next opener of the key after a crash; the record decides whether the file goes or stays.
namespace strata {
namespace detail {

inline constexpr std::string_view erase_intent_file = "erase-intent";

/// True if one of the keys is stored in a file of that name: keys such as "a" and "a/" share one.
bool is_stored_in(names::List const& keys, fs::path const& name);

/// Removes an item's data file, and the directories of its name that are empty then. Flushes what is gone, by
/// whomever: a process that died may have removed it and not flushed.
/// @param directory  of the item's data
/// @param kept       keys of the item's other data; a file that one of them shares stays
/// @param changed    set as soon as something was removed, before it is flushed
/// @throws `errno`
void remove_data_file(fs::path const& directory, std::string const& key, names::List const& kept, Flush flush,
                      bool& changed);

}  // namespace detail

/// Erases an item's data and commits its record. On failure both are old or both are gone, if necessary after
/// recovery by the next opener.
/// @param table  write guard of the item's table
/// @param next   the record without the key
template <class Traits, class Core, class Writing>
Row<typename Traits::Record> erase_data(Core& core, Writing& table, typename Traits::Record next,
                                        std::string const& key) {
  auto const id = next.id;
  auto const before = table.by_id(id);
  auto staging = detail::log_data_intent<Traits>(core, id, detail::erase_intent_file, key);
  auto row = table.put(std::move(next));
  try {
    table.commit(core.flush());
  } catch (...) {
    // The record may have reached the disk despite the error; then the file must go.
    auto const now = table.reload() ? table.by_id(id) : Row<typename Traits::Record>{};
    if (!now || !names::contains(now->big_data_names, key)) leave_intents(core, staging);
    throw;
  }
  bool removed = false;
  try {
    detail::remove_data_file(core.template data_directory<Traits>(id), key, row->big_data_names, core.flush(),
                             removed);
  } catch (...) {
    if (removed) {  // but perhaps not flushed
      leave_intents(core, staging);
      throw;
    }
    detail::put_back(core, table, *before, [&] { leave_intents(core, staging); });
    throw;
  }
  return row;
}

/// Completes the erasure of a dead process, if its record was written.
/// @param rows  guard of the kind's table
template <class Traits, class Core, class Rows>
void settle_erased(Core& core, Rows const& rows, fs::path const& directory, std::string const& id) {
  auto const key = sys::read_stored(directory / detail::erase_intent_file);
  auto const row = rows.by_id(id);
  if (!row || !key || key->empty() || names::contains(row->big_data_names, *key)) return;
  bool removed = false;
  detail::remove_data_file(core.template data_directory<Traits>(id), *key, row->big_data_names, core.flush(),
                           removed);
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/erase_data.ipp>
#endif
