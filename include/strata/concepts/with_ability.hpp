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
/// A driver that holds another has the abilities of that one, as if the store were composed with it; `f` gets the holder
/// if that passes the calls on, else what it holds.
/// @return  what `f` does; `Result()` if the driver lacks the ability
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

}  // namespace strata
