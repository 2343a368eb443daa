#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/problem.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// Finds problems in its own files of a layer.
///
/// - `c.inspect(id, ancestors)`  problems of a layer whose ancestors, according to the records, are these,
///   nearest first; with none, only problems that can be found without them. Changes nothing. The caller
///   fills in subject and id; `Problem::action` is `RepairAction::repair` only if the driver is a
///   `RepairDriver`. Throws `errno` if something cannot be read now
template <class D>
concept InspectDriver = LayerDriver<D> &&
    requires(D const& c, LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
  { c.inspect(id, ancestors) } -> std::same_as<std::vector<Problem>>;
};

/// Repairs the problems that it finds, from the files that are left.
///
/// - `d.repair(id, ancestors)`  repairs what `inspect` reports with `RepairAction::repair`, and nothing else.
///   The lock of layers is held. Returns one line for each step; empty if there was nothing to repair
template <class D>
concept RepairDriver = InspectDriver<D> &&
    requires(D& d, LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
  { d.repair(id, ancestors) } -> std::same_as<std::vector<std::string>>;
};

}  // namespace strata
