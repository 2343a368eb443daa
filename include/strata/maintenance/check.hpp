#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/check_layers.hpp>
#include <strata/maintenance/check_leftovers.hpp>
#include <strata/maintenance/check_references.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/check_unaccounted.hpp>
#include <strata/maintenance/problem_list.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/sys/fd.hpp>

#include <system_error>
#include <utility>

/// Consistency check of a store. Works on any damage: records are read directly from disk, and nothing is
/// mounted.
namespace strata {

namespace detail {

/// @param trees  as of `LayerChecker`
template <class Core>
CheckReport check_snapshot(Core& core, CheckOptions const& options, StoreSnapshot<Core> const& records,
                           TreeSignatures* trees = nullptr) {
  ProblemList problems;
  problems.add_all(records.layers.problems);
  problems.add_all(records.images.problems);
  problems.add_all(records.containers.problems);
  LayerChecker<Core>(core, options, records, problems, trees).run();
  ReferenceChecker<Core>(core, options, records, problems).run();
  auto const unless_transient = [&](auto&& look) {
    try {
      look();
    } catch (std::system_error const& error) {
      if (!sys::is_transient(error)) throw;
      problems.add(Severity::error, Subject::store, core.options().graph_root.native(),
                   ProblemKind::unreadable, error.what(), RepairAction::none);
    }
  };
  unless_transient([&] { tell_of_unaccounted(core, records, problems); });
  unless_transient(
      [&] { tell_of_leftovers(core, records, {.leftover_after = options.leftover_after}, problems); });
  unless_transient([&] { tell_of_mounts(core, records, problems); });
  return {.problems = std::move(problems).sorted()};
}

}  // namespace detail

/// Checks records, trees, contents, big data and mounts of a store.
///
/// Changes nothing, except that opening the store completes interrupted operations. Record files that cannot
/// be parsed do not stop it. Safe while other processes use the store: what they remove, fill or replace
/// meanwhile is not reported. Reads all files of all imported layers unless `CheckOptions` say otherwise.
/// @throws `Errc::stopped`, `errno`
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
CheckReport check(Store<D, S, Durability, T> const& store, CheckOptions const& options = {}) {
  using Core = typename Store<D, S, Durability, T>::Core;
  auto const records = detail::StoreSnapshot<Core>::read(store.core());
  return detail::check_snapshot(store.core(), options, records);
}

}  // namespace strata
