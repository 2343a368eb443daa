#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/maintenance/reconstruct.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/import.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/over_former.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Repair of a layer: its parent, files, tar-split and record.
namespace strata::detail {

/// State of a layer's tree at the time of a check.
struct SeenTree {
  bool has_more = false;                 ///< has files that are not in its tar-split
  std::optional<Digest> signature = {};  ///< see `own_tree_signature`
};

/// Repairs the problems of one layer at a time.
template <class Core>
class LayerRepairer {
  using Driver = typename Core::Driver;
  using LayerTraits = typename Core::LayerTraits;

 public:
  /// @param records  current snapshot of the store
  LayerRepairer(Core& core, RepairLog& log, StoreSnapshot<Core> const& records, Control control)
      : core_(core), log_(log), records_(records), control_(std::move(control)) {}

  /// Repairs one problem of a layer. Does nothing if the layer has changed since the check, or the problem is
  /// of another kind.
  /// @param layer  record that the problem was found with
  void repair(ProblemKind kind, LayerRecord const& layer, SeenTree const& seen = {}) {
    switch (kind) {
      case ProblemKind::parent_circle:
        return repair_circle(layer);
      case ProblemKind::driver_files:
        return repair_driver(layer);
      case ProblemKind::archive_missing:
      case ProblemKind::archive_damaged:
        return repair_archive(layer);
      case ProblemKind::content_digest:
      case ProblemKind::content_size:
        return repair_sum(layer);
      case ProblemKind::content_modified:
        return rebuild(layer, seen);
      default:
        return;
    }
  }

 private:
  /// True if the layer was not filled or replaced since the check. An invalid digest may have been cleared by
  /// a repair.
  static bool is_as_seen(LayerRecord const& now, LayerRecord const& seen) {
    bool const same_digest = now.diff_digest == seen.diff_digest ||
                             (now.diff_digest.empty() && !is_valid_digest(seen.diff_digest));
    return now.created == seen.created && now.parent == seen.parent && same_digest;
  }

  /// Changes the record. @return false, with nothing changed, if the layer has changed since the check
  template <class Change>
  bool change(LayerRecord const& seen, Change&& apply) {
    bool as_seen = false;
    change_record<LayerTraits>(core_, seen.id, [&](auto& record) {
      as_seen = is_as_seen(record, seen);
      if (as_seen) apply(record);
    });
    return as_seen;
  }

  void repair_circle(LayerRecord const& layer) {
    std::optional<std::string> parent;
    if (auto const below = ancestors_of(core_.driver(), LayerId(layer.id)))
      parent = below->empty() ? std::string() : below->front().str();
    if (!parent && !layer.diff_digest.empty()) {
      std::vector<std::string> candidates;
      for (auto const& row : records_.layers.rows) candidates.push_back(row.id);
      parent = parent_by_id(layer.id, layer.diff_digest, candidates);
    }
    if (!parent || *parent == layer.parent) {
      // A tree stored whole needs no parent; another layer of the cycle may know its own.
      auto const tree = own_tree_of(core_.driver(), LayerId(layer.id));
      if (parent || !tree || !tree->whole) return;
      parent = "";
    }
    if (!change(layer, [&](auto& r) { r.parent = *parent; })) return;
    log_.did("layer " + layer.id + ": recorded " + (parent->empty() ? "no parent" : "parent " + *parent) +
             " instead of " + layer.parent);
  }

  void repair_driver(LayerRecord const& layer) {
    with_ability(core_.driver(), [&](RepairDriver auto& driver) {
      auto const table = core_.template table<LayerTraits>().write();
      if (auto const now = table.by_id(layer.id); !now || !is_as_seen(*now, layer)) return;
      auto const below = records_.is_mapped(layer) ? std::nullopt : records_.ancestors(layer);
      for (auto& line : driver.repair(LayerId(layer.id), below)) log_.did("layer " + layer.id + ": " + line);
    });
  }

  /// Replaces a tar-split that cannot be used by one made from the files. Reads the tar-split once more
  /// first: an I/O error or a limit may have been transient.
  void repair_archive(LayerRecord const& layer) {
    if constexpr (DiffDriver<Driver>) {
      if (can_be_read(core_.tar_split(layer.id))) return;
      auto staging = sys::StagingDirectory::create(core_.layer_trash());
      auto const path = staging.next_addition();
      auto const made = remake_archive(core_, layer, path, control_);
      bool const same = made.sum.digest.str() == layer.diff_digest;
      if (!put_archive(layer, path, staging, same ? nullptr : &made)) return;
      log_.did("layer " + layer.id + ": made its tar-split from its files" +
               (same ? "" : "; its tar has the digest " + made.sum.digest.str() + " from now on"));
    }
  }

  static bool can_be_read(fs::path const& archive) {
    try {
      kept_headers(archive);
      return true;
    } catch (Error const& error) {
      if (sys::is_transient(error)) throw;
      return false;
    }
  }

  /// Installs a tar-split and records what it changes. The record is written first: a crash in between leaves
  /// a layer without tar-split, which the next repair makes again with that digest.
  /// @param made   null: the record is right
  /// @return       false, with nothing changed, if the layer has changed since the check
  bool put_archive(LayerRecord const& seen, fs::path const& path, sys::StagingDirectory& staging,
                   RemadeArchive const* made) {
    auto table = core_.template table<LayerTraits>().write();
    auto const row = table.by_id(seen.id);
    if (!row || !is_as_seen(*row, seen)) return false;
    auto const place = core_.tar_split(seen.id);
    staging.take(place);
    if (made != nullptr) {
      auto next = *row;
      record_plain_archive(next, made->sum, made->headers);
      table.put(std::move(next));
      table.commit(core_.flush());
    }
    sys::rename(path, place);
    if (core_.flush() == Flush::full) sys::sync_directory(place.parent_path());
    return true;
  }

  void repair_sum(LayerRecord const& layer) {
    auto const content = check_layer_content(core_, layer, core_.tar_split(layer.id), control_);
    if (!content.sum || !content.headers || content.problems.empty()) return;
    bool const compressed = layer.compressed_diff_digest != layer.diff_digest;
    bool const done = change(layer, [&](auto& r) {
      r.diff_digest = content.sum->digest.str();
      r.diff_size = content.sum->size;
      if (!compressed) {
        r.compressed_diff_digest = r.diff_digest;
        r.compressed_size = r.diff_size;
      }
    });
    if (!done) return;
    log_.did("layer " + layer.id + ": recorded the digest " + content.sum->digest.str() + " and the size " +
             std::to_string(content.sum->size) + " of its tar");
  }

  /// Unpacks the layer again from its own tar, which must be intact. Files that are not in the tar are kept,
  /// by unpacking over a copy of the layer.
  /// @throws `Errc::changed_meanwhile` if the layer was written to since the check; those writes would be
  ///   lost
  void rebuild(LayerRecord const& layer, SeenTree const& seen) {
    auto const row = core_.template table<LayerTraits>().read().by_id(layer.id);
    if (!row || !is_as_seen(*row, layer)) return;
    auto const former =
        seen.has_more || is_over_former(core_.tar_split(layer.id)) ? Former::kept : Former::gives_way;
    auto staging = sys::StagingDirectory::create(core_.layer_trash());
    auto const tar_path = staging.next_addition();
    {
      auto split = stored_source(core_.tar_split(layer.id));
      auto out = file_sink(tar_path);
      LayerId const id(layer.id);
      archive::assemble(
          split, [&](std::string const& name, Writer& to) { core_.driver().copy_file(id, name, to); }, out,
          control_);
    }
    StageRequest request{
        .writable = row->place != RecordPlace::image_store, .flush = core_.flush(), .control = control_};
    if (!layer.parent.empty()) request.parent = LayerId(layer.parent);
    auto staged = former == Former::gives_way ? core_.driver().stage(request)
                                              : stage_copy(core_, *row, control_.stop, former);
    auto source = file_source(tar_path);
    archive::TarReader tar(source, archive::no_budgets);
    for (archive::TarHeader header; tar.next(header);) staged.add(header, tar);
    staged.finish();
    {
      auto const table = core_.template table<LayerTraits>().write();
      auto const now = table.by_id(layer.id);
      if (!now || !is_as_seen(*now, layer)) return;
      auto const no_mounts = core_.mounts().write();
      check_not_below_mount(core_, no_mounts, LayerId(layer.id));
      check_untouched(core_, no_mounts, LayerId(layer.id), seen.signature);
      core_.driver().replace(LayerId(layer.id), staged);
    }
    log_.did("layer " + layer.id + ": unpacked it anew from its tar-split");
  }

  Core& core_;
  RepairLog& log_;
  StoreSnapshot<Core> const& records_;
  Control control_;
};

}  // namespace strata::detail
