#include <strata/concepts/with_ability.hpp>

#include <catch2/catch.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <variant>

namespace {

template <class D>
concept Greets = requires(D const& d) {
  { d.greet() } -> std::same_as<std::string>;
};

struct Mute {};
struct Polite {
  std::string greet() const { return "polite"; }
};
/// Has no ability of its own.
template <class... Ds>
struct Held {
  std::variant<Ds...> held;
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(f, held);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(f, held);
  }
};
/// Has it for all that it may hold, as `drivers::AnyOf` has `mount`.
struct PassesOn : Held<Mute, Polite> {
  std::string greet() const { return "passed on"; }
};

template <class D>
std::string greeting(D const& driver) {
  return strata::with_ability<std::string>(driver, [](Greets auto const& able) { return able.greet(); });
}

static_assert(strata::DriverHolder<PassesOn> && strata::DriverHolder<PassesOn const>);
static_assert(!strata::DriverHolder<Mute> && !strata::DriverHolder<Polite>);

}  // namespace

TEST_CASE("a call is made if the driver can do it, else there is nothing", "[concepts]") {
  CHECK(greeting(Polite()) == "polite");
  CHECK(greeting(Mute()).empty());
  bool called = false;
  Mute mute;
  strata::with_ability(mute, [&](Greets auto&) { called = true; });
  CHECK_FALSE(called);
}

TEST_CASE("what is held decides, though the holder passes calls on for others", "[concepts]") {
  CHECK(greeting(Held<Mute, Polite>{Polite()}) == "polite");
  CHECK(greeting(Held<Mute, Polite>{Mute()}).empty());
  CHECK(greeting(PassesOn{{Polite()}}) == "passed on");
  CHECK(greeting(PassesOn{{Mute()}}).empty());
}

TEST_CASE("a holder may hold a holder", "[concepts]") {
  CHECK(greeting(Held<PassesOn, Mute>{PassesOn{{Polite()}}}) == "passed on");
  CHECK(greeting(Held<PassesOn, Mute>{PassesOn{{Mute()}}}).empty());
  CHECK(greeting(Held<PassesOn, Polite>{Polite()}) == "polite");
}

TEST_CASE("a driver that is not constant can be changed", "[concepts]") {
  struct Counter {
    int count = 0;
    void add() { ++count; }
  };
  Held<Counter> holder;
  auto const add = [](auto& able) requires requires { able.add(); }
  { able.add(); };
  strata::with_ability(holder, add);
  strata::with_ability(std::as_const(holder), add);  // which cannot add
  CHECK(std::get<Counter>(holder.held).count == 1);
}
