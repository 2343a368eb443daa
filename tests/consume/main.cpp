#include "catalog.hpp"
#include <iostream>

// Two units include all of strata.hpp and instantiate one store: what is defined in both must link.
int main() {
  Store store({.graph_root = "graph", .run_root = "run"});
  fill(store);
  for (auto const& layer : store.layers().list()) std::cout << layer.id().str() << '\n';
}
