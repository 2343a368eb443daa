#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/problem_list.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/paths.hpp>
#include <strata/problem.hpp>
#include <strata/store/mount_table.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/mount.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What no item needs: files without a record, leftovers of crashes, mounts without a count.
namespace strata::detail {

/// Reports files that belong to no item, except layers already reported as `ProblemKind::layer_unaccounted`.
/// @param problems  problems found so far; extended
template <class Core>
void tell_of_leftovers(Core& core, StoreSnapshot<Core> const& records, ScanOptions const& options,
                       ProblemList& problems) {
  auto const known = records.known();
  auto claims = scan_roots(core, known, options);
  if (std::ranges::any_of(claims, [](auto const& claim) { return claim.kind == UsageClass::orphan; }))
    forget_changed(claims, StoreSnapshot<Core>::read(core).known());
  auto const unaccounted = [&](Ownership const& claim) {
    return claim.subject == Subject::layer && std::ranges::any_of(problems.all(), [&](auto const& f) {
             return f.kind == ProblemKind::layer_unaccounted && f.id == claim.id;
           });
  };
  for (auto const& claim : claims) {
    bool const orphan = claim.kind == UsageClass::orphan;
    if (!orphan && !(claim.kind == UsageClass::trash && claim.removable)) continue;
    if (unaccounted(claim)) continue;
    auto& problem = problems.add(Severity::note, Subject::store, claim.path.native(),
                                 orphan ? ProblemKind::orphan : ProblemKind::leftover,
                                 claim.path.native() + ": " + claim.reason,
                                 claim.removable ? RepairAction::discard : RepairAction::none);
    problem.about = claim.id;
    if (orphan) problem.code = claim.code;
  }
}

/// Reports mounts that are counted but gone, or present but not counted.
template <class Core>
void tell_of_mounts(Core& core, StoreSnapshot<Core> const& records, ProblemList& problems) {
  if constexpr (MountDriver<typename Core::Driver>) {
    if (!has_ability(core.driver(), [](MountDriver auto const&) {})) return;
    std::vector<Row<MountRecord>> rows;
    // Held until the end, so that nothing is mounted or unmounted between the two reads.
    std::optional<decltype(core.mounts().read())> mounts;
    try {
      mounts.emplace(core.mounts().read());
      rows = mounts->rows();
    } catch (Error const& error) {
      bool const unreadable = sys::is_transient(error);
      problems.add(Severity::warning, Subject::store, std::string(paths::mount_stem),
                   unreadable ? ProblemKind::unreadable : ProblemKind::record_file_damaged,
                   std::string("mount counts cannot be read: ") + error.what(),
                   unreadable ? RepairAction::none : RepairAction::repair);
      return;
    }
    for (auto const& row : rows) {
      if (!is_safe_component(row->id)) continue;
      bool is_mounted = true;
      problems.unless_unreadable(row->id, [&] { is_mounted = core.driver().is_mounted(LayerId(row->id)); });
      if (!is_mounted)
        problems.add(
            Severity::warning, Subject::layer, row->id, ProblemKind::mount_stale,
            "layer " + row->id + ": counted as mounted " + std::to_string(row->count) + " times, and is not",
            RepairAction::repair);
    }
    for (auto const& layer : records.layers.rows) {
      LayerId const id(layer.id);
      bool is_mounted = false;
      problems.unless_unreadable(layer.id, [&] {
        is_mounted = core.driver().is_mounted(id) && sys::is_mount_point(core.driver().mount_path(id));
      });
      if (is_mounted && std::ranges::none_of(rows, [&](auto const& row) { return row->id == layer.id; }))
        problems.add(Severity::warning, Subject::layer, layer.id, ProblemKind::mount_uncounted,
                     "layer " + layer.id + ": mounted, and not counted", RepairAction::repair);
    }
  }
}

}  // namespace strata::detail
