// Write a driver in one file: log changes of layers, and forward everything to another driver.
#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <iostream>

struct LoggingDriver : strata::drivers::Memory {  // inherit to forward, redeclare to override
  using Memory::Memory;

  static constexpr std::string_view name() { return "logging"; }

  void publish(strata::LayerId const& id, Staged&& staged) {
    Memory::publish(id, std::move(staged));
    std::cout << "published " << id.str() << '\n';
  }

  strata::Trash remove(strata::LayerId const& id) {
    if (exists(id)) std::cout << "removed " << id.str() << '\n';
    return Memory::remove(id);
  }
};
static_assert(strata::LayerDriver<LoggingDriver>);  // a missing member is named by this assertion

#ifndef STRATA_EXAMPLE_AS_HEADER  // the test suite includes this file for driver_suite
int main() {
  using Store = strata::Store<LoggingDriver, strata::serializers::Journal>;
  Store store({.graph_root = "own-driver/graph", .run_root = "own-driver/run"});
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  try {
    store.layers().remove("base");
  } catch (strata::Error const& error) {
    std::cout << error.what() << '\n';
  }
  store.layers().remove("top");
  store.layers().remove("base");
}
#endif
