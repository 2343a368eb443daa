#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/reconstructor.hpp>
#include <strata/maintenance/remove_damaged.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/maintenance/repair_layer.hpp>
#include <strata/maintenance/repair_mounts.hpp>
#include <strata/problem.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>
#include <exception>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Repair of a damaged store: everything that can be is repaired first; then what remains broken is removed,
/// but only if all records can be read.
namespace strata {

/// Options of `repair`.
struct RepairOptions {
  CheckOptions check = {};         ///< what is checked, before and after
  bool remove_containers = false;  ///< remove damaged containers with their layers
  bool keep_damaged = false;       ///< repair only: remove no image and no layer
};

/// Result of `repair`.
struct RepairReport {
  CheckReport before;
  std::vector<std::string> actions = {};  ///< what was done, one line per action, in order
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
    // Each repair can reveal or enable another: a record reveals damage of its layer, a parent that of its
    // children.
    for (int round = 0; round < most_rounds && !report.after.clean(); ++round) {
      auto const done = log_.actions.size();
      repair(report.after);
      if (log_.actions.size() == done) break;
      report.after = look();
    }
    // Nothing is removed that a later repair could save.
    if (!options_.keep_damaged && !report.after.clean() && !log_.transient && sees_all(report.after)) {
      DamageRemover<Core> remover(core_, log_, options_.remove_containers);
      remover.see(report.after, seen_);
      report.after = look();
      if (!sees_all(report.after)) return ended(std::move(report));
      remover.remove(report.after, seen_);
      report.after = look();
      auto const done = log_.actions.size();
      collect(report.after);  // files that the removals left
      if (log_.actions.size() != done) report.after = look();
    }
    return ended(std::move(report));
  }

 private:
  /// Records what is still damaged and stays, each with the reason.
  void tell_of_kept(CheckReport const& report) {
    std::set<std::string> told;
    for (auto const& found : report.problems) {
      if (found.severity != Severity::error || found.read_only || found.inherited) continue;
      if (found.subject == Subject::store || found.kind == ProblemKind::unreadable) continue;
      if (proves_unusable(core_, seen_, found)) continue;
      // The same change can be reported with and without a plus (`archive::differences`).
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

  /// True if every record could be read; otherwise references may be incomplete, and nothing is removed.
  bool sees_all(CheckReport const& report) const {
    return !counts_lost_ && seen_.elsewhere.unreadable.empty() && seen_.all_readable() &&
           seen_.others_readable() && !log_.records_to_come &&
           std::ranges::none_of(report.problems,
                                [](auto const& f) { return f.kind == ProblemKind::unreadable; });
  }

  static constexpr int most_rounds = 64;

  CheckReport look() {
    trees_.clear();
    seen_ = StoreSnapshot<Core>::read(core_);
    return check_snapshot(core_, options_.check, seen_, &trees_);
  }

  Control control() const { return {.progress = {}, .stop = options_.check.stop}; }
  void did(std::string text) { log_.did(std::move(text)); }
  template <class Work>
  void attempt(std::string const& doing, Work&& work) {
    log_.attempt(doing, Subject::store, {}, work);
  }

  // Repair ----------------------------------------------------------------------------------------

  void repair(CheckReport const& report) {
    repair_record_files(report);
    // Record files first: all other work goes through tables, which fail to load a damaged one.
    auto records = StoreSnapshot<Core>::read(core_);
    if (!records.all_readable()) return;
    // Its record may be in a read-only store.
    if (records.others_readable())
      Reconstructor<Core>(core_, log_, lost_records_, control()).run(report, records);
    records = StoreSnapshot<Core>::read(core_);
    modified_.clear();
    foreign_.clear();
    for (auto const& found : report.problems) {
      if (found.kind == ProblemKind::content_modified && !found.inherited) modified_.insert(found.id);
      if (found.kind == ProblemKind::content_foreign && !found.inherited) foreign_.insert(found.id);
    }
    // Stale mounts first: mounted layers are not rebuilt.
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
    std::vector<fs::path> damaged;
    bool twice[3] = {};
    for (auto const& found : report.problems) {
      if (found.kind == ProblemKind::record_file_damaged && found.id == paths::mount_stem)
        attempt("writing mount counts", [&] {
          MountRepairer<Core>(core_, log_).recount();
          counts_lost_ = true;
        });
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
  void repair_files_of(std::vector<fs::path> const& damaged) {
    std::vector<fs::path> own;
    for (auto const& [place, path] : core_.template record_files<Traits>())
      if (std::ranges::find(damaged, path) != damaged.end()) own.push_back(path);
    if (own.empty()) return;
    lost_records_.insert(std::string(Traits::kind));
    for (auto& line : strata::repair_record_files<Traits>(core_, own)) did(std::move(line));
  }
  /// Saving a table removes duplicate ids and names from its file.
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
                       std::string(problem_code(found)) + (found.about.empty() ? "" : ' ' + found.about);
    auto const attempt = [&](auto&& work) { log_.attempt(doing, found.subject, found.id, work); };
    auto const* const layer = found.subject == Subject::layer ? records.layers.find(found.id) : nullptr;
    switch (found.kind) {
      case ProblemKind::parent_circle:
      case ProblemKind::driver_files:
      case ProblemKind::archive_missing:
      case ProblemKind::archive_damaged:
      case ProblemKind::content_digest:
      case ProblemKind::content_size:
      case ProblemKind::content_modified:
        if (layer == nullptr) break;
        // Parents are rebuilt first.
        if (found.kind == ProblemKind::content_modified &&
            (stands_on_modified(*layer, records) || !rebuilt_.insert(layer->id).second))
          break;
        attempt([&] {
          SeenTree seen{.has_more = foreign_.contains(layer->id)};
          if (auto const tree = trees_.find(layer->id); tree != trees_.end()) seen.signature = tree->second;
          LayerRepairer<Core>(core_, log_, records, control()).repair(found.kind, *layer, seen);
        });
        break;
      case ProblemKind::mapped_layer_missing:
        if (!records.others_readable()) break;
        attempt([&] {
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
        attempt([&] {
          DataRepairer<Core> data(core_, log_);
          if (found.subject == Subject::layer) data.template repair<LayerTraits>(found);
          if (found.subject == Subject::image) data.template repair<ImageTraits>(found);
          if (found.subject == Subject::container) data.template repair<ContainerTraits>(found);
        });
        break;
      case ProblemKind::mount_stale:
      case ProblemKind::mount_uncounted:
        attempt([&] { MountRepairer<Core>(core_, log_).repair(found); });
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

  // Leftovers -----------------------------------------------------------------------------------------------

  void collect(CheckReport const& report) {
    if (!sees_all(report)) return;
    std::set<fs::path> paths;
    for (auto const& found : report.problems) {
      if (found.action != RepairAction::discard || found.subject != Subject::store) continue;
      fs::path const path(found.id);
      // Data whose record could not be reconstructed may be the only copy; temporary record files are not.
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
  StoreSnapshot<Core> seen_ = {};   ///< of the last check
  TreeSignatures trees_ = {};       ///< of the same check
  std::set<std::string> foreign_;   ///< layers with files that are not in their tar-split
  std::set<std::string> modified_;  ///< layers that differ from their tar
  std::set<std::string> rebuilt_;   ///< layers unpacked again
  bool counts_lost_ = false;  ///< mount counts lost: trees stored whole show no other sign of being mounted
  std::set<std::string> lost_records_;  ///< kinds whose record file had to be salvaged
};

}  // namespace detail

/// Checks a store, repairs what can be repaired, removes what is proven unusable, and checks again.
///
/// Removes images, layers and trees whose remaining problems prove that they cannot be used
/// (`detail::proves_unusable`), together with everything above them, each listed in `RepairReport::actions`.
/// Never removed: what is mounted, what is in use by something intact, trees that do not depend on a damaged
/// parent, and files that are in no archive, unless they belong to containers with `remove_containers` or to
/// layers that were never complete. What stays damaged is among the failures, as `Errc::kept`.
///
/// Each step holds only the locks it needs, none while bytes move. Safe while other processes use the intact
/// items.
/// @throws `Errc::stopped`: repairs done so far persist; `errno`
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
RepairReport repair(Store<D, S, Durability, T> const& store, RepairOptions const& options = {}) {
  using Core = typename Store<D, S, Durability, T>::Core;
  return detail::Repairer<Core>(store.core(), options).run();
}

}  // namespace strata
