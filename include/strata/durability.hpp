#pragma once

#include <concepts>

namespace strata {

/// Whether a write waits until the device has the bytes.
enum class Flush : bool { none, full };

/// When a change counts as done. A policy is a type with `level()`; stores take it as a template argument.
template <class P>
concept DurabilityPolicy = std::semiregular<P> && requires(P const& p) {
  { p.level() }
  noexcept->std::same_as<Flush>;
};

namespace durability {

/// What a call acknowledged survives a power cut. The default.
struct Full {
  static constexpr Flush level() noexcept { return Flush::full; }
};

/// What a call acknowledged survives the death of the process, not of the machine; what the Go library does.
struct None {
  static constexpr Flush level() noexcept { return Flush::none; }
};

/// Chosen at run time, for programs with an option for it.
struct Chosen {
  Flush value = Flush::full;
  constexpr Flush level() const noexcept { return value; }
};

}  // namespace durability
}  // namespace strata
