#pragma once

#include <concepts>

namespace strata {

namespace detail {
struct AnyDriverTaker {
  template <class D>
  void operator()(D&) const {}
};
}  // namespace detail

/// Holds a driver chosen at run time: `d.visit(f)` calls `f` with the driver, in its own type.
template <class D>
concept DriverHolder = requires(D& d, detail::AnyDriverTaker const& take) {
  d.visit(take);
};

/// Calls `f` with the driver, or with the driver that it holds, if one has the ability that `f` requires of
/// its parameter:
///
///     auto const lines = with_ability<std::vector<std::string>>(
///         driver, [&](RepairDriver auto& able) { return able.repair(id, ancestors); });
///
/// A holder has the abilities of the driver that it holds; `f` gets the holder if that models the concept
/// itself, otherwise the driver held.
/// @return  result of `f`; `Result()` if the driver lacks the ability
template <class Result = void, class D, class F>
Result with_ability(D& driver, F&& f) {
  if constexpr (DriverHolder<D>) {
    auto const use = [&](auto& able) -> Result requires std::invocable<F&, decltype(able)> {
      if constexpr (std::invocable<F&, D&>)
        return f(driver);
      else
        return f(able);
    };
    return driver.visit([&](auto& held) -> Result { return with_ability<Result>(held, use); });
  } else if constexpr (std::invocable<F&, D&>) {
    return f(driver);
  } else {
    return Result();
  }
}

/// True if the driver, or the one that it holds, has the ability that `f` requires of its parameter:
///
///     has_ability(driver, [](MountDriver auto const&) {})
template <class D, class F>
bool has_ability(D& driver, F&&) {
  return with_ability<bool>(
      driver, [&](auto const& able) requires std::invocable<F&, decltype(able)> { return true; });
}

}  // namespace strata
