// Does one more layer cost the same among 10 layers and among 100,000, with the Journal?
// usage: bench-create_journal DIRECTORY [ITEMS...]
// Prints: create_journal <items in the store> <microseconds per layer, least of 9 batches of 20>
#include <strata/codec/all.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/fs.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include "measure.hpp"
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Journal, strata::durability::None>;

int main(int count, char** arguments) {
  if (count < 2) return 2;
  strata::fs::path const place = arguments[1];
  Store store({.graph_root = place / "graph", .run_root = place / "run"});
  std::vector<std::size_t> sizes;
  for (int i = 2; i < count; ++i) sizes.push_back(std::strtoull(arguments[i], nullptr, 10));
  if (sizes.empty()) sizes = {10, 1'000, 10'000, 100'000};

  std::size_t items = 0;
  auto const create = [&](std::size_t more) {
    for (std::size_t end = items + more; items < end; ++items) store.layers().create({});
  };
  for (auto const size : sizes) {
    if (size > items) create(size - items);
    auto const batch = bench::spread(9, [&] { create(20); });
    if (store.layers().list().size() != items) return 1;
    std::printf("create_journal %zu %.1f\n", size, batch.least / 20 * 1e6);
    std::fflush(stdout);
  }
}
