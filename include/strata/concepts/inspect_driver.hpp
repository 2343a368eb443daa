#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/problem.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// Finds problems in what it keeps of a layer itself.
///
/// - `c.inspect(id, ancestors)`  what is wrong with a layer of which the records say that `ancestors` lie below it, the
///                     nearest first; with none, only what needs no knowledge of them. Changes nothing. Subject and
///                     id are filled in by the caller, `Problem::action` is `RepairAction::repair` only if the driver is
///                     a `RepairDriver`. Throws `errno` if something cannot be read now
template <class D>
concept InspectDriver = LayerDriver<D> &&
    requires(D const& c, LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
  { c.inspect(id, ancestors) } -> std::same_as<std::vector<Problem>>;
};

/// Repairs what it finds, from what is there.
///
/// - `d.repair(id, ancestors)`  repairs what `inspect` reports with `RepairAction::repair`, and nothing else. Called with
///                     the lock of layers held. Returns what was done, one line for each step; nothing, if there was
///                     nothing to repair
template <class D>
concept RepairDriver = InspectDriver<D> &&
    requires(D& d, LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
  { d.repair(id, ancestors) } -> std::same_as<std::vector<std::string>>;
};

}  // namespace strata
