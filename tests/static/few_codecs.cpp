#include <strata/codec/gzip.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/stream.hpp>

#include <cstdio>
#include <string>
#include <utility>

// Built with headers of xz and bzip2 that stop the compiler, and linked without their libraries: a store that is composed
// without these codecs imports and exports, and asks for neither.
namespace {

using strata::drivers::Memory;
using strata::serializers::Journal;

struct FewCodecs : strata::StoreTraits<Memory, Journal> {
  using Codecs = strata::codec::List<strata::codec::Gzip, strata::codec::Zstd>;
};
using Store = strata::Store<Memory, Journal, strata::durability::None, FewCodecs>;

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;  // TAR GRAPH_ROOT RUN_ROOT
  Store store({.graph_root = arguments[2], .run_root = arguments[3]});
  auto const layer = store.layers().import(strata::file_source(arguments[1]));
  std::string tar;
  layer.diff(strata::string_sink(tar));
  std::printf("%zu\n", tar.size());
}
