#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/reconstructor.hpp>
#include <strata/maintenance/remove_damaged.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/maintenance/repair_layer.hpp>
#include <strata/problem.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Puts a damaged store in order: first everything is rebuilt that can be, and only what is left broken is removed; nothing
/// is while there are records that cannot be read.
namespace strata {

struct RepairOptions {
  CheckOptions check = {};         ///< what is looked for, before and after
  bool remove_containers = false;  ///< those that stay damaged, with their layers
  bool keep_damaged = false;       ///< only repair: remove no image and no layer
};

struct RepairReport {
  CheckReport before;
  std::vector<std::string> actions = {};  ///< what was done, a line each, in order
  std::vector<RepairFailure> failures = {};
  CheckReport after;
};

namespace detail {

template <class Core>
class Repairer {
  using Driver = typename Core::Driver;
  using LayerTraits = typename Core::LayerTraits;
  using ImageTraits = typename Core::ImageTraits;
  using ContainerTraits = typename Core::ContainerTraits;

 public:
  Repairer(Core& core, RepairOptions const& options) : core_(core), options_(options) {}

  RepairReport run() {
    RepairReport report;
    report.before = look();
    report.after = report.before;
    // One thing repaired shows, or makes it possible to repair, the next: a record its layer's damage, a parent its child's.
    for (int round = 0; round < most_rounds && !report.after.clean(); ++round) {
      auto const done = log_.actions.size();
      repair(report.after);
      if (log_.actions.size() == done) break;
      report.after = look();
    }
    // What a later repair may repair is not removed now.
    if (!options_.keep_damaged && !report.after.clean() && !log_.transient && sees_all(report.after)) {
      DamageRemover<Core> remover(core_, log_, options_.remove_containers);
      remover.see(report.after, seen_);
      report.after = look();
      if (!sees_all(report.after)) return ended(std::move(report));
      remover.remove(report.after, seen_);
      report.after = look();
      auto const done = log_.actions.size();
      collect(report.after);  // what the removed leave behind
      if (log_.actions.size() != done) report.after = look();
    }
    return ended(std::move(report));
  }

 private:
  /// What is not as it should be, could not be repaired, and is not to be removed, each with what speaks against it.
  void tell_of_kept(CheckReport const& report) {
    std::set<std::string> told;
    for (auto const& found : report.problems) {
      if (found.severity != Severity::error || found.read_only || found.inherited) continue;
      if (found.subject == Subject::store || found.kind == ProblemKind::unreadable) continue;
      if (proves_unusable(core_, seen_, found)) continue;
      // The same change has a text with and one without a plus (`archive::differences`).
      auto text = found.text;
      auto const name = std::string(to_text(found.subject)) + ' ' + found.id + ": ";
      if (text.starts_with(name + "+/")) text.erase(name.size(), 1);
      if (!told.insert(std::move(text)).second) continue;
      std::string const why =
          found.kind == ProblemKind::content_foreign ? ", of which its tar-split does not tell" : "";
      log_.failures.push_back({"repairing " + std::string(to_text(found.subject)) + ' ' + found.id,
                               std::make_exception_ptr(Error(Errc::kept, found.text + why))});
    }
  }

  RepairReport ended(RepairReport report) {
    tell_of_kept(report.after);
    report.actions = std::move(log_.actions);
    report.failures = std::move(log_.failures);
    return report;
  }

  /// What seems to be missing, or nobody's, may have a record that could not be read, nor be repaired, or be mounted. As long as
  /// there is something that cannot be told now, nothing is removed.
  bool sees_all(CheckReport const& report) const {
    return !counts_lost_ && seen_.elsewhere.unreadable.empty() && seen_.all_readable() &&
           seen_.others_readable() && !log_.records_to_come &&
           std::ranges::none_of(report.problems,
                                [](auto const& f) { return f.kind == ProblemKind::unreadable; });
  }

  static constexpr int most_rounds = 64;

  CheckReport look() {
    trees_.clear();
    Checker<Core> checker(core_, options_.check, &trees_);
    auto report = checker.run();
    seen_ = checker.take_records();
    return report;
  }

  Control control() const { return {.progress = {}, .stop = options_.check.stop}; }
  void did(std::string text) { log_.did(std::move(text)); }
  template <class Work>
  void attempt(std::string const& doing, Work&& work) {
    log_.attempt(doing, work);
  }

  // Mending ----------------------------------------------------------------------------------------------------

  void repair(CheckReport const& report) {
    repair_record_files(report);
    // All other work goes through tables, which a damaged file keeps shut.
    auto records = StoreSnapshot<Core>::read(core_);
    if (!records.all_readable()) return;
    // What seems to have no record may have one in a store that is only read.
    if (records.others_readable())
      Reconstructor<Core>(core_, log_, lost_records_, control()).run(report, records);
    records = StoreSnapshot<Core>::read(core_);
    modified_.clear();
    foreign_.clear();
    for (auto const& found : report.problems) {
      if (found.kind == ProblemKind::content_modified && !found.inherited) modified_.insert(found.id);
      if (found.kind == ProblemKind::content_foreign && !found.inherited) foreign_.insert(found.id);
    }
    // Mounts that are gone first: what is mounted is not rebuilt.
    for (bool const mounts : {true, false})
      for (auto const& found : report.problems) {
        control().check();
        if (found.action != RepairAction::repair || found.inherited || found.read_only) continue;
        if ((found.kind == ProblemKind::mount_stale || found.kind == ProblemKind::mount_uncounted) == mounts)
          repair(found, records);
      }
    collect(report);
  }

  void repair_record_files(CheckReport const& report) {
    std::vector<std::filesystem::path> damaged;
    bool twice[3] = {};
    for (auto const& found : report.problems) {
      if (found.kind == ProblemKind::record_file_damaged && found.id == paths::mount_stem)
        attempt("writing mount counts", [&] { recount_mounts(); });
      else if (found.kind == ProblemKind::record_file_damaged || found.kind == ProblemKind::record_unreadable)
        damaged.emplace_back(found.about);
      if (found.kind == ProblemKind::duplicate_id || found.kind == ProblemKind::duplicate_name)
        twice[static_cast<int>(found.subject)] = true;
    }
    attempt("writing records", [&] {
      repair_files_of<LayerTraits>(damaged);
      repair_files_of<ImageTraits>(damaged);
      repair_files_of<ContainerTraits>(damaged);
    });
    attempt("writing records of layers", [&] {
      if (twice[0]) rewrite<LayerTraits>();
    });
    attempt("writing records of images", [&] {
      if (twice[1]) rewrite<ImageTraits>();
    });
    attempt("writing records of containers", [&] {
      if (twice[2]) rewrite<ContainerTraits>();
    });
  }
  template <class Traits>
  void repair_files_of(std::vector<std::filesystem::path> const& damaged) {
    std::vector<std::filesystem::path> own;
    for (auto const& [place, path] : core_.template record_files<Traits>())
      if (std::ranges::find(damaged, path) != damaged.end()) own.push_back(path);
    if (own.empty()) return;
    lost_records_.insert(std::string(Traits::kind));
    for (auto& line : strata::repair_record_files<Traits>(core_, own)) did(std::move(line));
  }
  /// A table holds each id and each name once; saved, so does the file.
  template <class Traits>
  void rewrite() {
    auto table = core_.template table<Traits>().write();
    auto const rows = table.rows();
    for (auto const& row : rows) table.put(*row);
    table.commit(core_.flush());
    did("wrote the records of " + std::string(Traits::stem) + " with each id and name once");
  }

  void repair(Problem const& found, StoreSnapshot<Core> const& records) {
    auto const doing = std::string(to_text(found.subject)) + ' ' + found.id + ": " +
                       std::string(to_text(found.kind)) + (found.about.empty() ? "" : ' ' + found.about);
    auto const* const layer = found.subject == Subject::layer ? records.layers.find(found.id) : nullptr;
    switch (found.kind) {
      case ProblemKind::parent_circle:
      case ProblemKind::link_lost:
      case ProblemKind::lower_wrong:
      case ProblemKind::lower_layers_wrong:
      case ProblemKind::directory_missing:
      case ProblemKind::archive_missing:
      case ProblemKind::archive_damaged:
      case ProblemKind::content_digest:
      case ProblemKind::content_size:
      case ProblemKind::content_modified:
        if (layer == nullptr) break;
        // With its parents in order first.
        if (found.kind == ProblemKind::content_modified &&
            (stands_on_modified(*layer, records) || !rebuilt_.insert(layer->id).second))
          break;
        attempt(doing, [&] {
          SeenTree seen{.has_more = foreign_.contains(layer->id)};
          if (auto const tree = trees_.find(layer->id); tree != trees_.end()) seen.signature = tree->second;
          LayerRepairer<Core>(core_, log_, records, control()).repair(found.kind, *layer, seen);
        });
        break;
      case ProblemKind::mapped_layer_missing:
        if (!records.others_readable()) break;
        attempt(doing, [&] {
          change_record<ImageTraits>(core_, found.id,
                                     [&](auto& r) { std::erase(r.mapped_top_layers, found.about); });
          did("image " + found.id + ": forgot the missing copy " + found.about + " of its layer");
        });
        break;
      case ProblemKind::digest_invalid:
      case ProblemKind::data_missing:
      case ProblemKind::data_size:
      case ProblemKind::data_digest:
      case ProblemKind::data_unrecorded:
        attempt(doing, [&] {
          DataRepairer<Core> data(core_, log_);
          if (found.subject == Subject::layer) data.template repair<LayerTraits>(found);
          if (found.subject == Subject::image) data.template repair<ImageTraits>(found);
          if (found.subject == Subject::container) data.template repair<ContainerTraits>(found);
        });
        break;
      case ProblemKind::mount_stale:
      case ProblemKind::mount_uncounted:
        attempt(doing, [&] { repair_mount(found); });
        break;
      default:
        break;
    }
  }

  bool stands_on_modified(LayerRecord const& layer, StoreSnapshot<Core> const& records) const {
    auto const below = records.ancestors(layer);
    return !below ||
           std::ranges::any_of(*below, [&](auto const& id) { return modified_.contains(id.str()); });
  }

  // Mounts -----------------------------------------------------------------------------------------------------

  void repair_mount(Problem const& found) {
    if constexpr (MountDriver<Driver>) {
      LayerId const id(found.id);
      auto mounts = core_.mounts().write();
      if (found.kind == ProblemKind::mount_stale) {
        if (!mounts.find(id.str()) || is_mounted_anywhere(core_, id)) return;
        mounts.set({.id = id.str(), .path = {}, .count = 0, .extra = {}});
        did("layer " + found.id + ": forgot mounts that are gone");
      } else if (!mounts.find(id.str())) {
        core_.driver().unmount(id, core_.flush());
        did("layer " + found.id + ": unmounted what nobody counts");
      }
    }
  }
  void recount_mounts() {
    if constexpr (MountDriver<Driver>) {
      std::vector<LayerId> mounted;
      for (auto const& row : core_.template table<LayerTraits>().read().rows())
        if (is_safe_component(row->id) && !has_whole_tree(core_, row->id) &&
            core_.driver().is_mounted(LayerId(row->id)))
          mounted.emplace_back(row->id);
      core_.mounts().reset();
      auto mounts = core_.mounts().write();
      for (auto const& id : mounted)
        mounts.set({.id = id.str(), .path = core_.driver().mount_path(id).native(), .count = 1, .extra = {}});
      counts_lost_ = true;
      did("mount counts: began anew");
    }
  }

  // Leftovers --------------------------------------------------------------------------------------------------

  void collect(CheckReport const& report) {
    if (!sees_all(report)) return;
    std::set<std::filesystem::path> paths;
    for (auto const& found : report.problems) {
      if (found.action != RepairAction::discard || found.subject != Subject::store) continue;
      std::filesystem::path const path(found.id);
      // Data whose record was lost and could not be made anew may be somebody's last. A file of records that was not written
      // to its end is none.
      bool const may_be_last = (lost_records_.contains("image") &&
                                path.parent_path() == core_.template kind_directory<ImageTraits>()) ||
                               (lost_records_.contains("container") &&
                                path.parent_path() == core_.template kind_directory<ContainerTraits>());
      if (!may_be_last || paths::is_temporary(path.filename().native())) paths.insert(path);
    }
    attempt("removing leftovers", [&] {
      auto const done = discard_garbage(core_, paths);
      for (auto const& path : done.gone) did("removed " + path.native());
      if (done.first_error) std::rethrow_exception(done.first_error);
    });
  }

  Core& core_;
  RepairOptions const& options_;
  RepairLog log_;
  StoreSnapshot<Core> seen_ = {};   ///< in the last look
  TreeSignatures trees_ = {};       ///< the same of trees
  std::set<std::string> foreign_;   ///< layers that have more than their tar tells of
  std::set<std::string> modified_;  ///< layers that are not as in their tar
  std::set<std::string> rebuilt_;   ///< layers
  bool counts_lost_ = false;        ///< of mounts; whole trees show no other sign of them
  std::set<std::string>
      lost_records_;  ///< kinds whose record file had to be written from what was left of it
};

}  // namespace detail

/// Checks, repairs what can be repaired, removes the images, layers and trees of the driver of which what is still found proves
/// that they cannot be used (`detail::proves_unusable`), and checks again. What stays damaged is among the failures, item by
/// item (`Errc::kept`). Files in a layer of which no archive tells are not removed, nor is what they stand on, save those of
/// containers that the caller gives up and of layers that were never whole; nor is what is mounted, or what has all of its
/// files although a layer below it is damaged. What goes with a layer is what stands on it, item by item among the actions;
/// what lies below it stays.
///
/// Damage goes in the order in which it can be repaired; each step is short and holds the locks that it needs, bytes move
/// without. An image that a container uses and a layer that something sound needs stay, with a failure. Safe while others
/// use the store, except for what is damaged.
/// @throws `Errc::stopped`: what was repaired so far is repaired; `errno`
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
RepairReport repair(Store<D, S, Durability, T> const& store, RepairOptions const& options = {}) {
  using Core = typename Store<D, S, Durability, T>::Core;
  return detail::Repairer<Core>(store.core(), options).run();
}

}  // namespace strata
