#pragma once

#include <strata/digest.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Intent records: written to disk before a change of several steps, so that the next opener knows what to
/// recover after a crash without searching the whole store (`collect_after_crash`).
namespace strata {

/// What a crash may leave of an item.
enum class IntentKind {
  layer_files,      ///< files of a layer without a record
  spare_layer,      ///< the same, or a complete layer for one container or image only
  image_files,      ///< data and directories of an image without a record
  container_files,  ///< the same of a container
  layer_in_place,   ///< an archive is being unpacked into a layer's own tree: see apply_in_place.hpp
  layer_contents,   ///< a layer's contents are being replaced: see `ContentIntent`
  image_data,       ///< big data of an image is being replaced or erased: see `DataIntent`, erase_data.hpp
  container_data,   ///< the same of a container
  named_layer,      ///< a spare layer with names
  layer_data,       ///< as `image_data`, of a layer
};

struct IntentRecord {
  IntentKind what;
  std::string id;
  std::string names = {};  ///< of `named_layer`: digest of its names
};

namespace detail {
inline constexpr std::array<std::string_view, 10> leftover_words{
    "layer-",    "spare-",        "image-",         "container-",
    "in-place-", "contents-",     "data-of-image-", "data-of-container-",
    "named-",    "data-of-layer-"};
inline constexpr std::size_t mark_digits = 12;
}  // namespace detail

/// Twelve digits derived from a list of names; empty for none.
std::string mark_of_names(std::vector<std::string> const& names);

/// Intent to remove a layer with its item. A layer that is renamed until then is kept.
IntentRecord spare_intent(LayerRecord const& layer);

std::string intent_text(IntentRecord const& note);

/// Flushes the intents of a staging directory as far as the order of changes is not kept without. An image store may be
/// on another file system.
template <class Core>
void keep_intents(Core& core, sys::StagingDirectory& staging) {
  if (core.flush() == Flush::full) staging.keep_notes(!core.options().image_store.empty());
}

/// Puts notes into a staging directory of the store; they are true until it goes.
template <class Core>
void add_intents(Core& core, sys::StagingDirectory& staging, std::vector<IntentRecord> const& notes) {
  for (auto const& note : notes) staging.note(intent_text(note));
  if (!notes.empty()) keep_intents(core, staging);
}

/// Creates a staging directory with these intents, which are valid until it is removed.
/// @param core  its trash holds the directory
template <class Core>
sys::StagingDirectory log_intents(Core& core, std::vector<IntentRecord> const& notes) {
  auto staging = sys::StagingDirectory::create(core.layer_trash());
  add_intents(core, staging, notes);
  return staging;
}

/// Leaves pending intents to the next access to layers, in this process or a later one.
template <class Core>
void leave_intents(Core& core, sys::StagingDirectory& staging) noexcept {
  staging.leave();
  core.collect_again();
}

/// Runs a step that cannot be undone: if it fails, its intents are left to recovery, as after a crash.
template <class Core, class Work>
void with_intents(Core& core, sys::StagingDirectory& staging, Work&& work) {
  try {
    work();
  } catch (...) {
    leave_intents(core, staging);
    throw;
  }
}

/// None if the text is no intent of strata.
std::optional<IntentRecord> parse_intent(std::string_view text);

/// True for an intent to replace or erase big data.
bool is_about_data(std::string_view text);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/intent_log.ipp>
#endif
