#pragma once

#include <strata/id.hpp>
#include <strata/maintenance/check_layers.hpp>
#include <strata/maintenance/problem_list.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/records/names.hpp>
#include <strata/store/known_ids.hpp>

#include <algorithm>
#include <string>

namespace strata::detail {

/// True if any record refers to this layer, or if layer records may be missing.
template <class Core>
bool is_wanted(StoreSnapshot<Core> const& records, std::string const& id) {
  return std::ranges::any_of(records.layers.rows, [&](auto const& l) { return l.parent == id; }) ||
         std::ranges::any_of(
             records.images.rows,
             [&](auto const& i) { return i.top_layer == id || names::contains(i.mapped_top_layers, id); }) ||
         std::ranges::any_of(records.containers.rows, [&](auto const& c) { return c.layer == id; }) ||
         !records.layers.damaged.empty();
}

/// Reports layers of the driver that have no record.
template <class Core>
void tell_of_unaccounted(Core& core, StoreSnapshot<Core> const& records, ProblemList& problems) {
  // Lists trees first, then the current records, since a layer may be created or removed in between.
  auto const listed = core.driver().list();
  auto const now = read_kept_records<typename Core::LayerTraits>(core);
  auto const elsewhere = KnownIds::in_other_files(core);
  for (auto const& path : elsewhere.unreadable)
    problems.add(Severity::error, Subject::store, path.native(), ProblemKind::record_file_damaged,
                 path.native() + ": cannot be read, of stores that are opened " +
                     (core.options().transient ? "as others than transient" : "as transient"),
                 RepairAction::none);
  for (auto const& id : listed)
    if (now.find(id.str()) == nullptr && records.layers.find(id.str()) == nullptr && elsewhere.all_layers &&
        !elsewhere.layers.contains(id.str()) && driver_has(core, problems, id.str())) {
      bool const wanted = is_wanted(records, id.str());
      // Records of transient containers are lost at each boot; their layers are then garbage.
      bool const expected = core.options().transient && !wanted;
      problems.add(expected ? Severity::note : Severity::error, Subject::layer, id.str(),
                   ProblemKind::layer_unaccounted,
                   "layer " + id.str() + ": layer in lower level storage driver not accounted for",
                   wanted ? RepairAction::repair : RepairAction::discard);
    }
}

}  // namespace strata::detail
