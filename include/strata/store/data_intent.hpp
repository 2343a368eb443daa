#pragma once

#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/records/big_data.hpp>
#include <strata/separate.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unistd.h>
#include <utility>

/// Replacing big data changes the record, with size and digest, and then renames the new file into place. An
/// intent record tells the next opener of the waiting file after a crash; the record decides whether it is
/// renamed or removed.
namespace strata {

struct DataIntent {
  std::string temporary = {};  ///< name of the waiting file, beside the old one
  std::int64_t size = 0;       ///< as in the new record
  std::string digest = {};
  std::string key = {};

  std::string text() const { return temporary + '\n' + std::to_string(size) + '\n' + digest + '\n' + key; }

  template <class Record>
  bool is_told_by(Record const& record) const {
    auto const known_size = record.big_data_sizes.find(key);
    auto const known_digest = record.big_data_digests.find(key);
    return known_size != record.big_data_sizes.end() && known_digest != record.big_data_digests.end() &&
           known_size->second == size && known_digest->second == digest;
  }
};

namespace detail {

inline constexpr std::string_view data_intent_file = "data-intent";

/// None if the record is incomplete: nothing was changed then.
std::optional<DataIntent> read_data_intent(fs::path const& directory);

/// Intent to change big data of an item of the kind.
template <class Traits, class Core>
IntentKind data_kind() {
  if constexpr (std::is_same_v<Traits, typename Core::ImageTraits>)
    return IntentKind::image_data;
  else if constexpr (std::is_same_v<Traits, typename Core::ContainerTraits>)
    return IntentKind::container_data;
  else
    return IntentKind::layer_data;
}

/// Logs an intent of `data_kind`. @param name, text  the file that describes it
template <class Traits, class Core>
sys::StagingDirectory log_data_intent(Core& core, std::string const& id, std::string_view name,
                                      std::string_view text) {
  auto staging = sys::StagingDirectory::create(core.layer_trash());
  sys::replace_file(staging.path() / name, text, {.mode = 0600, .flush = core.flush()});
  staging.note(intent_text({data_kind<Traits, Core>(), id}));
  keep_intents(core, staging);
  return staging;
}

/// Stores an item's former record again, as its files could not follow; if that fails too, `leave()` leaves the
/// rest to recovery.
template <class Core, class Writing, class Record, class Leave>
void put_back(Core& core, Writing& table, Record const& before, Leave&& leave) {
  try {
    table.put(before);
    table.commit(core.flush());
  } catch (...) {
    leave();
  }
}

}  // namespace detail

/// Replaces an item's data and its record. On failure both are old or both are new, if necessary after
/// recovery by the next opener.
/// @param table  write guard of the item's table
template <class Traits, class Core, class Writing>
Row<typename Traits::Record> replace_data(Core& core, Writing& table, typename Traits::Record next,
                                          std::string const& key, sys::ReplacingFile& file) {
  auto const id = next.id;
  auto const before = table.by_id(id);
  DataIntent const intent{.temporary = file.temporary().filename().native(),
                          .size = next.big_data_sizes.at(key),
                          .digest = next.big_data_digests.at(key),
                          .key = key};
  file.prepare();
  auto staging = detail::log_data_intent<Traits>(core, id, detail::data_intent_file, intent.text());
  auto const leave = [&]() noexcept {
    file.leave();
    leave_intents(core, staging);
  };
  auto row = table.put(std::move(next));
  try {
    table.commit(core.flush());
  } catch (...) {
    // The record may have reached the disk despite the error; then the file must follow.
    auto const now = table.reload() ? table.by_id(id) : Row<typename Traits::Record>{};
    if (!now) {
      leave();
    } else if (intent.is_told_by(*now)) {
      try {
        file.commit();
      } catch (...) {
        leave();
      }
    }
    throw;
  }
  try {
    file.commit();
  } catch (...) {
    if (file.is_committed()) {  // but perhaps not flushed
      leave_intents(core, staging);
      throw;
    }
    detail::put_back(core, table, *before, leave);
    throw;
  }
  return row;
}

/// Completes or undoes the change of a dead process, and flushes what it did itself: it may have died before its
/// flush, or left the rest to recovery because that failed.
/// @param rows  guard of the kind's table
template <class Traits, class Core, class Rows>
void settle_data(Core& core, Rows const& rows, fs::path const& directory, std::string const& id) {
  auto const row = rows.by_id(id);
  auto const intent = detail::read_data_intent(directory);
  if (!row || !intent) return;
  auto const target = core.template data_directory<Traits>(id) / big_data_file_name(intent->key);
  auto const waiting = target.parent_path() / intent->temporary;
  if (!sys::is_directory(target.parent_path())) return;
  if (!intent->is_told_by(*row))
    sys::remove_file(waiting);
  else if (sys::is_present(waiting))
    sys::rename(waiting, target);
  if (core.flush() == Flush::full) sys::sync_directory(target.parent_path());
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/data_intent.ipp>
#endif
