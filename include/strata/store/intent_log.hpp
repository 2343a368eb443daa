#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/records/layer.hpp>
#include <strata/sys/staging_directory.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Words left on disk for as long as a change of several steps is under way, so that whoever opens the store after a crash
/// knows where to look instead of searching all of it (`collect_after_crash`).
namespace strata {

/// What may be left of an item.
enum class IntentKind {
  layer_files,      ///< files of a layer that has no record
  spare_layer,      ///< the same, or a whole layer that only a container or image was to use, or used
  image_files,      ///< data and directories of an image that has no record
  container_files,  ///< the same of a container
  layer_in_place,   ///< a stream is being unpacked into a layer's own tree: see apply_in_place.hpp
  layer_contents,   ///< a layer's contents are being exchanged: see `ContentIntent`
  image_data,       ///< big data of an image takes the place of other: see `DataIntent`
  container_data,   ///< the same of a container
  named_layer,      ///< a spare layer that had names
};

struct IntentRecord {
  IntentKind what;
  std::string id;
  std::string names = {};  ///< of `named_layer`: a mark of the names that it had
};

namespace detail {
inline constexpr std::array<std::string_view, 9> leftover_words{
    "layer-",    "spare-",    "image-",         "container-",
    "in-place-", "contents-", "data-of-image-", "data-of-container-",
    "named-"};
inline constexpr std::size_t mark_digits = 12;
}  // namespace detail

/// Twelve digits that stand for a list of names; empty for none.
inline std::string mark_of_names(std::vector<std::string> const& names) {
  if (names.empty()) return {};
  std::string all;
  for (auto const& name : names) (all += name) += '\0';
  return std::string(Digest::of(as_bytes(all)).hex().substr(0, detail::mark_digits));
}

/// That a layer goes with an item, as it is now: whoever gives it another name until then wants it kept.
inline IntentRecord spare_intent(LayerRecord const& layer) {
  if (layer.names.empty()) return {IntentKind::spare_layer, layer.id};
  return {IntentKind::named_layer, layer.id, mark_of_names(layer.names)};
}

inline std::string intent_text(IntentRecord const& note) {
  return std::string(detail::leftover_words[static_cast<std::size_t>(note.what)]) +
         (note.names.empty() ? std::string() : note.names + '-') + note.id;
}

/// Puts notes into a staging directory of the store; they are true until it goes.
template <class Core>
void add_intents(Core& core, sys::StagingDirectory& staging, std::vector<IntentRecord> const& notes) {
  for (auto const& note : notes) staging.note(intent_text(note));
  if (!notes.empty() && core.flush() == Flush::full) staging.keep_notes();
}

/// Makes a temp-dir with these notes in it; they are true until it goes.
/// @param core  whose trash it is made in
template <class Core>
sys::StagingDirectory log_intents(Core& core, std::vector<IntentRecord> const& notes) {
  auto staging = sys::StagingDirectory::create(core.layer_trash());
  add_intents(core, staging, notes);
  return staging;
}

/// Leaves what was begun, with its notes, to who looks at layers next: in this process, or after it.
template <class Core>
void leave_intents(Core& core, sys::StagingDirectory& staging) noexcept {
  staging.leave();
  core.collect_again();
}

/// Does a part of a change that cannot be taken back: what of it fails is left to others, as if the process had died.
template <class Core, class Work>
void with_intents(Core& core, sys::StagingDirectory& staging, Work&& work) {
  try {
    work();
  } catch (...) {
    leave_intents(core, staging);
    throw;
  }
}

/// Nothing if it is not a note of ours.
inline std::optional<IntentRecord> parse_intent(std::string_view text) {
  for (std::size_t i = 0; i < detail::leftover_words.size(); ++i) {
    if (!text.starts_with(detail::leftover_words[i])) continue;
    IntentRecord note{static_cast<IntentKind>(i), std::string(text.substr(detail::leftover_words[i].size()))};
    if (note.what != IntentKind::named_layer) return note;
    if (note.id.size() <= detail::mark_digits || note.id[detail::mark_digits] != '-') return std::nullopt;
    note.names = note.id.substr(0, detail::mark_digits);
    note.id.erase(0, detail::mark_digits + 1);
    return note;
  }
  return std::nullopt;
}

/// Does a note tell of data that takes the place of other?
inline bool is_about_data(std::string_view text) {
  auto const note = parse_intent(text);
  return note && (note->what == IntentKind::image_data || note->what == IntentKind::container_data);
}

}  // namespace strata
