#pragma once

#include <concepts>

namespace strata {

/// Whether a write waits until the data is on stable storage.
enum class Flush : bool { none, full };

/// Decides when a change counts as done. A policy is a type with `level()`, passed to a store as template
/// argument.
template <class P>
concept DurabilityPolicy = std::semiregular<P> && requires(P const& p) {
  { p.level() }
  noexcept->std::same_as<Flush>;
};

namespace durability {

/// An acknowledged change survives a power failure. The default.
struct Full {
  static constexpr Flush level() noexcept { return Flush::full; }
};

/// An acknowledged change survives the death of the process but not a power failure, as in the Go library.
struct None {
  static constexpr Flush level() noexcept { return Flush::none; }
};

/// Selected at run time.
struct Chosen {
  Flush value = Flush::full;
  constexpr Flush level() const noexcept { return value; }
};

}  // namespace durability
}  // namespace strata
