#pragma once

#include <strata/id.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record.hpp>
#include <strata/store/apply_in_place.hpp>
#include <strata/store/content_intent.hpp>
#include <strata/store/data_intent.hpp>
#include <strata/store/erase_data.hpp>
#include <strata/store/flush_records.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/known_ids.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <string>
#include <utility>
#include <vector>

namespace strata {
namespace detail {

/// Completes the intents of one dead process. Touches nothing that a record names, except layers that were
/// only for one item and that nothing else uses.
/// @return  false, with nothing done, if unreadable records may refer to the items, or a record in a file
///   that this store does not read does (`KnownIds::in_other_files`)
template <class Core>
bool collect_noted(Core& core, sys::StagingDirectory const& left, std::vector<std::string> const& notes) {
  Trash trash;
  {
    auto layers = core.template table<typename Core::LayerTraits>().write();
    auto const images = core.template table<typename Core::ImageTraits>().read();
    auto const containers = core.template table<typename Core::ContainerTraits>().read();
    if (!all_readable(layers, images, containers)) return false;
    auto const elsewhere = KnownIds::in_other_files(core);
    if (!elsewhere.all_layers || !elsewhere.all_containers) return false;
    for (auto const& text : notes)  // left to a store that reads that record
      if (auto const note = parse_intent(text);
          note && (elsewhere.layers.contains(note->id) || elsewhere.containers.contains(note->id)))
        return false;
    flush_records(core, layers, images, containers);
    auto staging = sys::StagingDirectory::create(core.layer_trash());
    auto const is_spare = [&](LayerRecord const& layer, IntentRecord const& note) {
      return mark_of_names(layer.names) == note.names && layers.referring_to(layer.id).empty() &&
             images.referring_to(layer.id).empty() && containers.referring_to(layer.id).empty();
    };
    for (auto const& text : notes) {
      auto const note = parse_intent(text);
      if (!note || !is_safe_component(note->id)) continue;
      switch (note->what) {
        case IntentKind::layer_files:
        case IntentKind::spare_layer:
        case IntentKind::named_layer:
          if (auto const layer = layers.by_id(note->id); !layer)
            trash.merge(discard_unrecorded_layer(core, LayerId(note->id), staging));
          else if (note->what != IntentKind::layer_files && is_spare(*layer, *note)) {
            std::vector<LayerId> const spare{LayerId(note->id)};
            trash.merge(discard_layers(core, layers, unmount_layers(core, spare), spare, staging));
          }
          break;
        case IntentKind::image_files:
          if (!images.by_id(note->id))
            discard_item_files<typename Core::ImageTraits>(core, note->id, staging);
          break;
        case IntentKind::container_files:
          if (!containers.by_id(note->id))
            discard_item_files<typename Core::ContainerTraits>(core, note->id, staging);
          break;
        case IntentKind::layer_in_place:
          break;
        case IntentKind::layer_contents:
          settle_contents(core, layers, left.path(), note->id);
          break;
        case IntentKind::image_data:
          settle_data<typename Core::ImageTraits>(core, images, left.path(), note->id);
          settle_erased<typename Core::ImageTraits>(core, images, left.path(), note->id);
          break;
        case IntentKind::container_data:
          settle_data<typename Core::ContainerTraits>(core, containers, left.path(), note->id);
          settle_erased<typename Core::ContainerTraits>(core, containers, left.path(), note->id);
          break;
        case IntentKind::layer_data:
          settle_erased<typename Core::LayerTraits>(core, layers, left.path(), note->id);
          break;
      }
    }
    trash.add(std::move(staging));
  }
  trash.empty();
  return true;
}

}  // namespace detail

/// Completes what dead processes began: their intents, and layers flagged incomplete (by the Go library,
/// which sets the flag before it creates or removes one). An intent record is removed only after its work is
/// done, so that a crash here leaves it for the next process.
template <class Core>
void collect_after_crash(Core& core) {
  using Traits = typename Core::LayerTraits;
  try {
    finish_left_in_place(core);
  } catch (Error const&) {  // left to a later call
  }
  sys::StagingDirectory::recover(
      core.layer_trash(),
      [&](sys::StagingDirectory const& left) {
        auto const notes = left.notes();
        if (notes.empty() || is_in_place(notes)) return notes.empty();
        try {
          return detail::collect_noted(core, left, notes);
        } catch (Error const& error) {
          if (sys::is_transient(error)) core.collect_again();
          throw;
        }
      },
      core.flush());
  auto const unfinished = [](LayerRecord const& record) {
    return is_set(record.flags, "incomplete") && is_safe_component(record.id);
  };
  if (!core.template table<Traits>().read().any_flagged(unfinished)) return;
  Trash trash;
  {
    auto layers = core.template table<Traits>().write();
    std::vector<LayerId> ids;
    std::vector<IntentRecord> notes;
    for (auto const& row : layers.rows())
      if (unfinished(*row)) {
        ids.emplace_back(row->id);
        notes.push_back({IntentKind::layer_files, row->id});
      }
    auto const mounts = unmount_layers(core, ids);
    auto staging = log_intents(core, notes);
    with_intents(core, staging, [&] { trash = discard_layers(core, layers, mounts, ids, staging); });
    trash.add(std::move(staging));
  }
  trash.empty();
}

}  // namespace strata
