#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>

#include <concepts>
#include <optional>
#include <vector>

namespace strata {

/// Knows from its own files, independently of the records, which layers are below a layer.
///
/// - `c.ancestors(id)`  nearest first, empty for a base layer; none if the files needed are missing or
///   damaged. Throws `errno` if they cannot be read now
template <class D>
concept LineageDriver = LayerDriver<D> && requires(D const& c, LayerId const& id) {
  { c.ancestors(id) } -> std::same_as<std::optional<std::vector<LayerId>>>;
};

/// Also none if the driver is no `LineageDriver`.
template <LayerDriver D>
std::optional<std::vector<LayerId>> ancestors_of(D const& driver, LayerId const& id) {
  return with_ability<std::optional<std::vector<LayerId>>>(
      driver, [&](LineageDriver auto const& able) { return able.ancestors(id); });
}

}  // namespace strata
