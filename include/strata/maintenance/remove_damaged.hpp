#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/maintenance/told_by_archives.hpp>
#include <strata/problem.hpp>
#include <strata/store/flush_records.hpp>
#include <strata/store/known_ids.hpp>
#include <strata/store/layer_depth.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/mount.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <range/v3/view/set_algorithm.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Removal of items that are beyond repair: their tree is unusable, or recorded bytes are lost.
namespace strata::detail {

/// True if the driver stores the layer's tree without reference to its parents.
template <class Core>
bool has_whole_tree(Core& core, std::string const& id) {
  auto const tree = is_safe_component(id) ? own_tree_of(core.driver(), LayerId(id)) : std::nullopt;
  return tree && tree->whole && sys::is_directory(tree->path);
}

/// True if the layer, or the image's top layer, does not depend on its parents.
template <class Core>
bool stands_alone(Core& core, StoreSnapshot<Core> const& records, Problem const& found) {
  if (found.subject == Subject::layer) return has_whole_tree(core, found.id);
  auto const* const image = records.images.find(found.id);
  return image != nullptr && records.layers.find(image->top_layer) != nullptr &&
         has_whole_tree(core, image->top_layer);
}

/// True if a referenced item may be in an image store or read-only store that is not available now.
template <class Core>
bool has_other_stores(Core const& core) {
  if (!core.options().image_store.empty()) return true;
  if constexpr (ImageStoreDriver<typename Core::Driver>)
    return !core.driver().image_stores().empty();
  else
    return false;
}

/// True if a problem that could not be repaired proves that the item is unusable.
/// @param records  snapshot that the problem refers to
template <class Core>
bool proves_unusable(Core& core, StoreSnapshot<Core> const& records, Problem const& found) {
  switch (found.kind) {
    case ProblemKind::layer_incomplete:    // intended by the process that created or removed it
    case ProblemKind::layer_unreferenced:  // requested by the caller: nothing uses it
    case ProblemKind::layer_unaccounted:   // no record names it or depends on it
    // Bytes recorded by digest are lost, or were never complete.
    case ProblemKind::content_checksum:
    case ProblemKind::data_missing:
    case ProblemKind::data_size:
    case ProblemKind::data_digest:
    case ProblemKind::container_layer_missing:  // containers are removed only on request
      return true;
    case ProblemKind::image_missing:
      return !has_other_stores(core);
    case ProblemKind::tree_missing:
      return !stands_alone(core, records, found);
    case ProblemKind::image_layer_missing:
    case ProblemKind::parent_missing:  // a missing parent makes it unmountable
      return !stands_alone(core, records, found) && !has_other_stores(core);
    // The tree exists and can be read; a new record or tar-split would suffice.
    case ProblemKind::record_file_damaged:
    case ProblemKind::record_unreadable:
    case ProblemKind::duplicate_id:
    case ProblemKind::duplicate_name:
    case ProblemKind::digest_invalid:
    case ProblemKind::parent_circle:
    case ProblemKind::archive_missing:
    case ProblemKind::archive_damaged:
    case ProblemKind::content_digest:
    case ProblemKind::content_size:
    case ProblemKind::content_modified:
    case ProblemKind::content_foreign:
    case ProblemKind::content_unpackable:
    case ProblemKind::data_unrecorded:
    case ProblemKind::mapped_layer_missing:
    case ProblemKind::driver_files:
    case ProblemKind::unreadable:
    case ProblemKind::orphan:
    case ProblemKind::leftover:
    case ProblemKind::mount_stale:
    case ProblemKind::mount_uncounted:
      return false;
  }
  return false;
}

/// Removes items that two consecutive checks prove unusable.
template <class Core>
class DamageRemover {
  using LayerTraits = typename Core::LayerTraits;

 public:
  DamageRemover(Core& core, RepairLog& log, bool containers)
      : core_(core), log_(log), containers_(containers) {}

  /// Takes the result of the first check.
  /// @param records  snapshot that the problems refer to
  void see(CheckReport const& report, StoreSnapshot<Core> const& records) {
    seen_ = damaged_in(report, records);
  }

  /// Removes what this check and the first one prove unusable, and only the same item (by creation time):
  /// concurrent work can look like damage for a moment.
  void remove(CheckReport const& report, StoreSnapshot<Core> const& records) {
    auto const now = damaged_in(report, records);
    Items damaged[3];
    for (int kind = 0; kind < 3; ++kind)
      for (auto const& item : ranges::views::set_intersection(now.items[kind], seen_.items[kind]))
        damaged[kind].insert(item);
    forget_failures(now.unaccounted, damaged);
    log_.tried.clear();
    for (auto const& [id, expected_created] : damaged[static_cast<int>(Subject::container)])
      removal("container " + id, [&, &id = id, &expected_created = expected_created] {
        core_.containers().remove(Ref::exactly(id), {.expected_created = expected_created});
      });
    for (auto const& [id, expected_created] : damaged[static_cast<int>(Subject::image)])
      removal("image " + id, [&, &id = id, &expected_created = expected_created] {
        core_.images().remove(Ref::exactly(id), {.expected_created = expected_created, .keep_layers = true});
      });
    auto const& layers = damaged[static_cast<int>(Subject::layer)];
    std::vector<std::string> ids;
    for (auto const& [id, expected_created] : layers) ids.push_back(id);
    sort_children_first(ids, std::identity(), [&](std::string const& id) { return records.layers.find(id); });
    for (auto const& id : ids)
      removal("layer " + id,
              [&] { core_.layers().remove(Ref::exactly(id), {.expected_created = layers.at(id)}); });
    for (auto const& id : now.unaccounted) removal("storage layer " + id, [&] { remove_unrecorded(id); });
    for (auto const& [item, why] : now.kept)
      log_.failures.push_back({"deleting " + item, std::make_exception_ptr(Error(Errc::kept, why))});
  }

 private:
  /// Items with their creation times, and trees without a record.
  using Items = std::map<std::string, ExpectedCreated>;  // by id

  struct Damaged {
    Items items[3];
    std::set<std::string> unaccounted;
    std::map<std::string, std::string> kept;  ///< items not removed, and why, by kind and id
  };

  Damaged damaged_in(CheckReport const& report, StoreSnapshot<Core> const& records) {
    Damaged out;
    std::vector<Problem const*> lost;  // of layers with an unusable tree
    for (auto const& found : report.problems) {
      if (found.inherited || found.read_only || found.subject == Subject::store) continue;
      if (!proves_unusable(core_, records, found)) continue;
      if (found.kind == ProblemKind::layer_unaccounted && is_in_use(found.id))
        out.kept.emplace("layer " + found.id, found.text + "; it is mounted");
      else if (found.kind == ProblemKind::layer_unaccounted)
        out.unaccounted.insert(found.id);
      else if (found.severity == Severity::error && found.subject == Subject::layer)
        lost.push_back(&found);
      else if (found.severity == Severity::error)
        add(out, found.subject, found.id, found.text, records);
    }
    // Children first: those removed together do not block each other.
    sort_children_first(
        lost, [](auto const* found) { return found->id; },
        [&](std::string const& id) { return records.layers.find(id); });
    for (auto const* found : lost) add_with_users(out, *found, report, records);
    for (auto const& [id, expected_created] : out.items[static_cast<int>(Subject::layer)])
      out.kept.erase("layer " + id);
    for (auto const& row : records.containers.rows)
      if (containers_ && out.items[static_cast<int>(Subject::image)].contains(row.image))
        add(out, Subject::container, row.id, "container " + row.id + ": of image " + row.image, records);
    if (!containers_) out.items[static_cast<int>(Subject::container)].clear();
    return out;
  }

  /// @param why  the first reason given for an item is the one reported
  void add(Damaged& out, Subject kind, std::string const& id, std::string const& why,
           StoreSnapshot<Core> const& records) {
    auto const item = std::string(to_text(kind)) + ' ' + id;
    auto const keep = [&](char const* but) { out.kept.emplace(item, why + but); };
    auto const add_of = [&](auto const& kept) {
      if (!kept.has_own(id)) return;
      out.items[static_cast<int>(kind)].emplace(id, ExpectedCreated(kept.find(id)->created));
      reasons_.try_emplace(item, why);
    };
    auto const* const container = records.containers.find(id);
    if (kind == Subject::layer)
      add_of(records.layers);
    else if (kind == Subject::image && records.elsewhere.wanted.contains(id))
      keep("; a container needs it, of a store that is opened otherwise");
    else if (kind == Subject::image)
      add_of(records.images);
    else if (container != nullptr && containers_ && is_in_use(container->layer))
      keep("; it is mounted");
    else
      add_of(records.containers);
  }

  /// Adds a layer with an unusable tree and everything above it, unless that would destroy files that are in
  /// no archive. Layers below it stay.
  void add_with_users(Damaged& out, Problem const& lost, CheckReport const& report,
                      StoreSnapshot<Core> const& records) {
    auto& layers = out.items[static_cast<int>(Subject::layer)];
    auto const keep = [&](std::string const& why) {
      out.kept.emplace("layer " + lost.id, lost.text + "; " + why);
    };
    std::vector<std::string> going{lost.id};
    for (std::size_t i = 0; i < going.size(); ++i) {
      auto const* const layer = records.layers.find(going[i]);
      if (layer == nullptr) return;
      // A layer whose creation or removal was interrupted was to go anyway.
      bool const is_expected =
          (i == 0 && lost.kind == ProblemKind::layer_incomplete) || goes_with_container(*layer, records);
      if (records.elsewhere.wanted.contains(going[i]))
        return keep("a container needs it, of a store that is opened otherwise");
      if (is_in_use(going[i])) return keep("layer " + going[i] + " is mounted, or one that stands on it");
      if (!is_expected && (has_foreign(report, going[i]) || !is_told_by_archives(core_, records, *layer)))
        return keep("layer " + going[i] + " has files that are in no archive");
      for (auto const& row : records.layers.rows) {
        if (row.parent != going[i] || layers.contains(row.id) ||
            std::ranges::find(going, row.id) != going.end())
          continue;
        // An unreferenced layer is intact, and so is what stands on it.
        if (lost.kind == ProblemKind::layer_unreferenced) return keep("layer " + row.id + " stands on it");
        if (has_whole_tree(core_, row.id) && !goes_with_container(row, records))
          return keep("layer " + row.id + " stands on it, which has all of its files");
        going.push_back(row.id);
      }
    }
    for (auto const& id : going) add(out, Subject::layer, id, lost.text, records);
    auto const shows = [&](std::string const& layer) {
      return std::ranges::find(going, layer) != going.end();
    };
    for (auto const& row : records.images.rows)
      if (shows(row.top_layer)) add(out, Subject::image, row.id, lost.text, records);
    for (auto const& row : records.containers.rows)
      if (shows(row.layer)) add(out, Subject::container, row.id, lost.text, records);
  }

  /// True if the layer may be mounted. A process that mounts it later gets an error.
  bool is_in_use(std::string const& layer) const {
    return is_safe_component(layer) && may_be_mounted(core_, LayerId(layer));
  }

  /// True if it belongs to a container, and no image, whose removal the caller requested.
  bool goes_with_container(LayerRecord const& layer, StoreSnapshot<Core> const& records) const {
    auto const shows = [&](auto const& image) { return image.top_layer == layer.id; };
    auto const has = [&](auto const& container) { return container.layer == layer.id; };
    return containers_ && std::ranges::none_of(records.images.rows, shows) &&
           std::ranges::any_of(records.containers.rows, has);
  }

  static bool has_foreign(CheckReport const& report, std::string const& layer) {
    return std::ranges::any_of(report.problems, [&](Problem const& found) {
      return found.kind == ProblemKind::content_foreign && found.subject == Subject::layer &&
             found.id == layer;
    });
  }

  /// Drops the repair failures of items that are about to be removed.
  void forget_failures(std::set<std::string> const& unaccounted, Items const (&damaged)[3]) {
    std::erase_if(log_.failures, [&](RepairFailure const& failure) {
      if (failure.subject == Subject::store) return false;
      return damaged[static_cast<int>(failure.subject)].contains(failure.id) ||
             (failure.subject == Subject::layer && unaccounted.contains(failure.id));
    });
  }

  void remove_unrecorded(std::string const& id) {
    Trash trash;
    {
      auto const table = core_.template table<LayerTraits>().write();
      auto const elsewhere = KnownIds::in_other_files(core_);
      if (table.by_id(id) || elsewhere.layers.contains(id) || !elsewhere.all_layers) return;
      flush_records(core_, table);
      auto staging = sys::StagingDirectory::create(core_.layer_trash());
      trash = discard_unrecorded_layer(core_, LayerId(id), staging);
      trash.add(std::move(staging));
    }
    trash.empty();
  }

  template <class Work>
  void removal(std::string const& what, Work&& work) {
    log_.attempt("deleting " + what, Subject::store, {}, [&] {
      try {
        work();
      } catch (Error const& error) {  // removed along with its image, for instance
        if (error.not_found()) return;
        throw;
      }
      auto const reason = reasons_.find(what);
      log_.did("deleted " + what + (reason == reasons_.end() ? "" : ", beyond repair: " + reason->second));
    });
  }

  Core& core_;
  RepairLog& log_;
  bool containers_;
  Damaged seen_ = {};
  std::map<std::string, std::string> reasons_ = {};  ///< why items are removed, by kind and id
};

}  // namespace strata::detail
