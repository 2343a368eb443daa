#pragma once

#include <concepts>

namespace strata {

namespace detail {
struct AnyDriverTaker {
  template <class D>
  void operator()(D&) const {}
};
}  // namespace detail

/// Holds a driver that is chosen at run time: `d.visit(f)` calls `f` with it, as an object of its own type.
template <class D>
concept DriverHolder = requires(D& d, detail::AnyDriverTaker const& take) {
  d.visit(take);
};

/// Calls `f` with a driver that has the ability which `f` asks for by its parameter, or with the one that it holds:
///
///     auto const lines = with_ability<std::vector<std::string>>(
///         driver, [&](RepairDriver auto& able) { return able.repair(id, ancestors); });
///
/// A driver that holds another behaves as if the store were composed with that one.
/// @return  what `f` does; `Result()` if the driver lacks the ability
template <class Result = void, class D, class F>
Result with_ability(D& driver, F&& f) {
  if constexpr (std::invocable<F&, D&>)
    return f(driver);
  else if constexpr (DriverHolder<D>)
    return driver.visit([&](auto& held) -> Result { return with_ability<Result>(held, f); });
  else
    return Result();
}

}  // namespace strata
