// How long does it take to open a store and list its layers, inside a process that already runs?
// usage: bench-open_list GRAPH_ROOT RUN_ROOT
// Prints: open_list <layers> <microseconds to open, least of 9> <microseconds to open and list, least of 9>
#include <strata/codec/all.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include "measure.hpp"
#include <cstddef>
#include <cstdio>

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;

int main(int count, char** arguments) {
  if (count != 3) return 2;
  Store::Options const options{.graph_root = arguments[1], .run_root = arguments[2]};
  std::size_t layers = 0;
  auto const open = bench::spread(9, [&] { Store store(options); });
  auto const list = bench::spread(9, [&] { layers = Store(options).layers().list().size(); });
  std::printf("open_list %zu %.1f %.1f\n", layers, open.least * 1e6, list.least * 1e6);
}
