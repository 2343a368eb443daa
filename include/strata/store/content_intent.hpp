#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/intent_text.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/tree_identity.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A layer's contents, tar-split and record are replaced one after the other. An intent record has the old
/// and new states, from which the next opener recovers after a crash: if the old contents are in place, the
/// rest is undone; if the new ones are, it is completed.
namespace strata {

struct ContentIntent {
  std::string tree = {};            ///< identity of the old contents
  std::uint64_t archive_inode = 0;  ///< of the new tar-split; 0: none
  std::string archive = {};         ///< name of the new tar-split in the staging directory
  LayerRecord before = {};
  LayerRecord after = {};
};

namespace detail {

inline constexpr std::string_view intent_file = "content-intent";
inline constexpr std::string_view former_archive = "former-archive";

template <class Core>
std::string encode_one(LayerRecord const& record) {
  std::array<Row<LayerRecord>, 1> const rows{std::make_shared<LayerRecord const>(record)};
  return Core::Serializer::encode(std::span<Row<LayerRecord> const>(rows), std::span<std::string const>());
}

/// None if the record is incomplete: nothing was changed then.
template <class Core>
std::optional<ContentIntent> read_content_intent(fs::path const& directory) {
  auto const text = sys::read_stored(directory / intent_file);
  if (!text) return std::nullopt;
  IntentText lines(*text);
  ContentIntent intent{.tree = std::string(lines.line()),
                       .archive_inode = lines.number<std::uint64_t>(),
                       .archive = std::string(lines.line())};
  auto const size = lines.number<std::uint64_t>();
  if (size > lines.rest().size()) return std::nullopt;
  auto before = Core::Serializer::template decode<LayerRecord>(lines.rest().substr(0, size)).records;
  auto after = Core::Serializer::template decode<LayerRecord>(lines.rest().substr(size)).records;
  if (before.size() != 1 || after.size() != 1) return std::nullopt;
  intent.before = std::move(before.front());
  intent.after = std::move(after.front());
  return intent;
}

/// Identity of a layer's contents, on disk `sys::tree_identity`; none if the driver has no such thing.
template <class Core>
std::optional<std::string> contents_identity(Core& core, LayerId const& id) {
  using Known = std::optional<std::string>;
  if (auto known = with_ability<Known>(
          core.driver(), [&](IdentityDriver auto const& able) { return able.contents_identity(id); }))
    return known;
  if (auto const tree = own_tree_of(core.driver(), id)) return sys::tree_identity(tree->path);
  return std::nullopt;
}

/// Flushes the name of a layer's contents: a process that died may have exchanged them and not flushed.
template <class Core>
void flush_contents(Core& core, LayerId const& id) {
  if (core.flush() != Flush::full) return;
  if (auto const tree = own_tree_of(core.driver(), id)) sys::sync_directory(tree->path.parent_path());
}

/// Exchanges a layer's tar-split with the new one in the staging directory.
template <class Core>
class ArchiveExchange {
 public:
  ArchiveExchange(Core& core, std::string const& id, fs::path directory, ContentIntent const& intent)
      : core_(core), place_(core.tar_split(id)), directory_(std::move(directory)), intent_(intent) {}

  bool is_done() const {
    auto const status = sys::find_status(place_);
    return status ? intent_.archive_inode != 0 && status->st_ino == intent_.archive_inode
                  : intent_.archive_inode == 0;
  }
  /// Both flush what was done before, too: by a process that died before it flushed.
  void run() const {
    if (!is_done()) {
      if (intent_.archive_inode == 0)
        sys::rename(place_, directory_ / former_archive);
      else if (sys::is_present(directory_ / intent_.archive))
        swap();
      else  // another program has replaced it since
        return;
    }
    flush();
  }
  void undo() const {
    if (is_done()) {
      if (intent_.archive_inode != 0)
        swap();
      else if (auto const former = directory_ / former_archive; sys::is_present(former))
        sys::rename(former, place_);
    }
    flush();
  }

 private:
  /// Keeps both files, so that whatever fails next can be completed or undone.
  void swap() const {
    auto const other = directory_ / intent_.archive;
    if (!sys::is_present(other))
      sys::rename(place_, other);
    else if (!sys::is_present(place_))
      sys::rename(other, place_);
    else
      sys::exchange(other, place_);
  }
  void flush() const {
    if (core_.flush() == Flush::full) sys::sync_directory(place_.parent_path());
  }

  Core& core_;
  fs::path place_;
  fs::path directory_;
  ContentIntent const& intent_;
};

}  // namespace detail

/// An intent without identity of the contents.
ContentIntent content_intent(fs::path const& tar_split, LayerRecord const& before, LayerRecord const& after);

/// Writes the intent record, which takes effect at once. Writes nothing if the driver cannot identify
/// contents.
/// @param staging      has the new tar-split, and stays until the change is complete or undone
/// @param tar_split  the new tar-split; empty: none
template <class Core>
std::optional<ContentIntent> log_content_intent(Core& core, sys::StagingDirectory& staging,
                                                LayerRecord const& before, LayerRecord const& after,
                                                fs::path const& tar_split) {
  auto tree = detail::contents_identity(core, LayerId(before.id));
  if (!tree) return std::nullopt;
  auto intent = content_intent(tar_split, before, after);
  intent.tree = *std::move(tree);
  auto const first = detail::encode_one<Core>(before);
  sys::replace_file(staging.path() / detail::intent_file,
                    intent.tree + '\n' + std::to_string(intent.archive_inode) + '\n' + intent.archive + '\n' +
                        std::to_string(first.size()) + '\n' + first + detail::encode_one<Core>(after),
                    {.mode = 0600, .flush = core.flush()});
  staging.note(intent_text({IntentKind::layer_contents, before.id}));
  keep_intents(core, staging);
  return intent;
}

/// Completes or undoes the change of a dead process.
/// @param layers  write guard of the table
template <class Core, class Writing>
void settle_contents(Core& core, Writing& layers, fs::path const& directory, std::string const& id) {
  auto const row = layers.by_id(id);
  auto const intent = detail::read_content_intent<Core>(directory);
  if (!row || !intent) return;
  bool const is_before = has_archive_fields_of(*row, intent->before);
  bool const is_after = has_archive_fields_of(*row, intent->after);
  // Another program, without support for intent records, has changed or replaced the layer since.
  if (row->created != intent->before.created || (!is_before && !is_after)) return;
  auto const tree = detail::contents_identity(core, LayerId(id));
  if (!tree) return;
  detail::flush_contents(core, LayerId(id));
  bool const old = *tree == intent->tree;
  if (old && !is_before) return;  // the record is written last: another program has applied the same archive
  detail::ArchiveExchange<Core> const archive(core, id, directory, *intent);
  if (old)
    archive.undo();
  else
    archive.run();
  if (old || is_after) return;
  auto next = *row;
  copy_archive_fields(intent->after, next);
  layers.put(std::move(next));
  layers.commit(core.flush());
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/content_intent.ipp>
#endif
