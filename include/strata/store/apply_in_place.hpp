#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/flush_records.hpp>
#include <strata/store/import.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/options.hpp>
#include <strata/store/records_of.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Applies an archive to a layer that is visible through a mount. Replacing the tree is not possible then,
/// since the kernel would keep showing the old one: entries are unpacked into the tree itself, as in
/// containers/storage.
///
/// The whole stream is stored first, and unpacked into a copy, so that one that is damaged or cannot be
/// unpacked changes nothing. While the layer's tree changes, its record has no tar-split and no digests; its
/// tar is made from its files. If the process dies, the next opener unpacks the stream again, completely;
/// until then other programs see only some of the new files.
namespace strata {
namespace detail {

inline constexpr std::string_view kept_stream = "stream-";  ///< followed by the layer's creation time

/// Forwards another source and stores a copy of its bytes.
class KeepingSource {
 public:
  KeepingSource(Source from, fs::path path);
  Bytes next();

 private:
  Source from_;
  fs::path path_;
  sys::Fd file_;
};

/// True if the same call may succeed later.
bool may_succeed_later(Error const& error);

std::string in_place_note(std::string const& layer);

/// Unpacks the stream into a temporary copy of the layer.
template <class Core>
void try_out(Core& core, LayerRecord const& layer, Source source, fs::path const& tar_split,
             ApplyOptions const& options) {
  LayerRecord tried;
  auto staged = stage_copy(core, layer, options.stop);
  unpack_layer(core, std::move(source), staged, tar_split, options, tried);
}

/// Removes the layer's tar-split, which will no longer match its files.
/// @param staging  has the stream; receives the intent record for the next opener
template <class Core>
void begin_in_place(Core& core, LayerRecord const& before, sys::StagingDirectory& staging) {
  auto layers = core.template table<typename Core::LayerTraits>().write();
  LayerRecordOf<Core> next = *layers.get(Ref::exactly(before.id));
  auto const note = in_place_note(before.id);
  auto const others = sys::StagingDirectory::look(core.layer_trash());
  if (next.diff_digest != before.diff_digest || next.created != before.created ||
      std::ranges::any_of(others, [&](auto const& other) {
        return std::ranges::find(other.notes, note) != other.notes.end();
      }))
    throw Error(Errc::changed_meanwhile, "layer \"" + before.id + '"').about(Subject::layer, before.id);
  staging.note(note);
  if (core.flush() == Flush::full) {
    sys::sync_directory(staging.path());
    sys::sync_directory(staging.path().parent_path());
  }
  copy_archive_fields({}, next);
  layers.put(std::move(next));
  layers.commit(core.flush());
  staging.take(core.tar_split(before.id));
}

/// Unpacks the stream into the layer's own tree and records it.
/// @param again  another process began, and may have unpacked some of it
template <class Core>
Row<LayerRecordOf<Core>> finish_in_place(Core& core, LayerRecord const& before, fs::path const& stream,
                                         ImportLimits const& limits, bool again) {
  auto staging = sys::StagingDirectory::create(core.layer_trash());
  auto const tar_split = staging.next_addition();
  LayerRecord unpacked;
  {
    bool const over = again || has_former_contents(core, before);
    auto tree = core.driver().in_place(LayerId(before.id),
                                       {.flush = core.flush(), .maps = maps_of(before), .again = again});
    unpack_layer(core, file_source(stream), tree, tar_split, {.limits = limits}, unpacked, nullptr, over);
  }
  auto layers = core.template table<typename Core::LayerTraits>().write();
  LayerRecordOf<Core> next = *layers.get(Ref::exactly(before.id));
  if (next.created != before.created || !next.diff_digest.empty())
    throw Error(Errc::changed_meanwhile, "layer \"" + before.id + '"').about(Subject::layer, before.id);
  auto const recorded = core.tar_split(next.id);
  sys::rename(tar_split, recorded);
  if (core.flush() == Flush::full) sys::sync_directory(recorded.parent_path());
  copy_archive_fields(unpacked, next);
  auto row = layers.put(std::move(next));
  layers.commit(core.flush());
  return row;
}

/// Record of the layer that a dead process was unpacking into; null if it was replaced or changed since.
template <class Core>
Row<LayerRecordOf<Core>> layer_in_place(Core& core, std::string const& id, fs::path const& stream) {
  auto const layers = core.template table<typename Core::LayerTraits>().read();
  flush_records(core, layers);
  auto const row = layers.by_id(id);
  bool const same = row && stream.filename() == std::string(kept_stream) + row->created.str();
  return same && row->diff_digest.empty() && sys::is_present(stream) ? row : nullptr;
}

}  // namespace detail

/// True if the intents include a stream being unpacked into a layer's own tree.
bool is_in_place(std::vector<std::string> const& notes);

/// Completes what dead processes began to unpack into layers. No guard of the tables may be held.
/// @throws the error of a layer that could not be completed; it may succeed later, and must not be changed
///   before
template <class Core>
void finish_left_in_place(Core& core) {
  if constexpr (InPlaceDriver<typename Core::Driver>) {
    std::optional<Error> failure;
    sys::StagingDirectory::recover(
        core.layer_trash(),
        [&](sys::StagingDirectory const& left) {
          auto const notes = left.notes();
          for (auto const& text : notes) {
            auto const note = parse_intent(text);
            if (!note || note->what != IntentKind::layer_in_place) continue;
            for (auto const& entry : sys::entries_of(left.path())) {
              auto const row = detail::layer_in_place(core, note->id, entry);
              if (!row) continue;
              try {
                detail::finish_in_place(core, *row, entry, {}, true);
              } catch (Error const& error) {
                if (!detail::may_succeed_later(error)) continue;
                if (!failure) failure = error;
                return false;
              }
            }
          }
          return is_in_place(notes);
        },
        core.flush());
    if (failure) throw *std::move(failure);
  }
}

/// Applies an archive to a layer, mounted or not.
/// @throws as `apply_to_layer`
template <class Core>
Row<LayerRecordOf<Core>> apply_stream(Core& core, std::string const& id, Source source,
                                      ApplyOptions const& options) {
  finish_left_in_place(core);
  if constexpr (InPlaceDriver<typename Core::Driver>) {
    auto const before = core.template table<typename Core::LayerTraits>().read().get(Ref::exactly(id));
    bool const can = has_ability(core.driver(), [](InPlaceDriver auto const&) {});
    if (can && is_seen_mounted(core, core.mounts().read(), LayerId(before->id))) {
      auto staging = sys::StagingDirectory::create(core.layer_trash());
      auto const stream = staging.path() / (std::string(detail::kept_stream) + before->created.str());
      detail::try_out(core, *before, detail::KeepingSource(std::move(source), stream),
                      staging.next_addition(), options);
      if (core.flush() == Flush::full) sys::sync_file(sys::open_at(AT_FDCWD, stream, O_RDONLY).get(), stream);
      detail::begin_in_place(core, *before, staging);
      Row<LayerRecordOf<Core>> row;
      with_intents(core, staging,
                   [&] { row = detail::finish_in_place(core, *before, stream, options.limits, false); });
      return row;
    }
  }
  return apply_to_layer(core, id, std::move(source), options);
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/apply_in_place.ipp>
#endif
