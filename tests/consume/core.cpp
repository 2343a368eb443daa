#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <iostream>

// A store that neither imports nor exports: linked without the codecs' libraries.
int main() {
  strata::Store<strata::drivers::Memory, strata::serializers::Journal> store(
      {.graph_root = "graph", .run_root = "run"});
  store.layers().create({.id = "base"});
  for (auto const& layer : store.layers().list()) std::cout << layer.id().str() << '\n';
}
