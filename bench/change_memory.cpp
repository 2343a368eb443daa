// What do creating and removing a layer cost if the driver keeps no files, among few layers and among many?
// usage: bench-change_memory DIRECTORY [ITEMS...]
// Prints: change_memory <serializer> <items in the store> <microseconds to create> <to remove>, least of 9 batches of 20
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/fs.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include "measure.hpp"
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int batch = 20;

/// False if the store has another number of layers than expected at the end.
template <class Serializer>
bool measure(strata::fs::path const& place, std::size_t items) {
  strata::Store<strata::drivers::Memory, Serializer, strata::durability::None> store(
      {.graph_root = place / "graph", .run_root = place / "run"});
  auto layers = store.layers();
  for (std::size_t i = 0; i < items; ++i) layers.create();
  std::vector<strata::LayerId> made;
  double create = 0;
  double remove = 0;
  for (int run = 0; run < 9; ++run) {
    double const creating = bench::seconds([&] {
      for (int i = 0; i < batch; ++i) made.push_back(layers.create().id());
    });
    double const removing = bench::seconds([&] {
      for (auto const& id : made) layers.remove(id);
    });
    made.clear();
    create = run == 0 ? creating : std::min(create, creating);
    remove = run == 0 ? removing : std::min(remove, removing);
  }
  std::printf("change_memory %s %zu %.1f %.1f\n", std::string(Serializer::name()).c_str(), items,
              create / batch * 1e6, remove / batch * 1e6);
  std::fflush(stdout);
  return layers.list().size() == items;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  strata::fs::path const place = arguments[1];
  std::vector<std::size_t> sizes;
  for (int i = 2; i < count; ++i) sizes.push_back(std::strtoull(arguments[i], nullptr, 10));
  if (sizes.empty()) sizes = {10, 100'000};
  if (!measure<strata::serializers::Json>(place / "json", 10)) return 1;
  for (auto const size : sizes)
    if (!measure<strata::serializers::Journal>(place / ("journal-" + std::to_string(size)), size)) return 1;
}
