#include <strata/drivers/any.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/usage.hpp>

#include <catch2/catch.hpp>

#include "../store/stores.hpp"
#include <string>
#include <vector>

// A store over a driver that is held behaves as one that is composed with it: what that one cannot do is not asked of it.
namespace {

using namespace strata;

struct ListedMemory : drivers::Memory {
  struct Options {
    static Options parse(std::vector<std::string> const&) { return {}; }
  };
  ListedMemory(DriverPlace const& place, Options const&) : Memory(place) {}
};

using Mixed = drivers::AnyOf<ListedMemory, drivers::Vfs>;
using OnlyMemory = drivers::AnyOf<ListedMemory>;
static_assert(MountDriver<Mixed> && IdMapDriver<Mixed> && InPlaceDriver<Mixed> && ImageStoreDriver<Mixed>);
static_assert(!LayerStoreDriver<Mixed>);
static_assert(DiffDriver<OnlyMemory> && !MountDriver<OnlyMemory> && !IdMapDriver<OnlyMemory> &&
              !InPlaceDriver<OnlyMemory> && !ImageStoreDriver<OnlyMemory>);

template <class D>
using Of = Store<D, serializers::Journal, durability::None>;

/// Everything that looking after a store tells, as a text.
template <class S>
std::string looked_after(typename S::Options const& options) {
  S store(options);
  auto const base = store.layers().import(memory_source(stores::tar_of({{"a", "1"}})), {.id = "base"});
  store.layers().create({.id = "top", .parent = base.id()});
  std::string out;
  for (auto const& found : check(store).problems) out += found.text + '\n';
  auto const report = repair(store);
  for (auto const& line : report.actions) out += line + '\n';
  for (auto const& failure : report.failures) out += failure.doing + '\n';
  for (auto const& item : collect_garbage(store).items) out += item.claim.reason + '\n';
  for (auto const& share : measure_usage(store).shares) out += share.claim.reason + '\n';
  auto const code = stores::code_of([&] { dedup_layers(store); });
  return out + (code == Errc::unsupported ? "cannot share blocks" : code ? "failed" : "shared blocks");
}

template <class D>
std::string looked_after_with(typename D::Options const& driver) {
  testing::TempDir const dir;
  return looked_after<Of<D>>({.graph_root = dir / "graph", .run_root = dir / "run", .driver = driver});
}

}  // namespace

TEST_CASE("a held driver is looked after as if the store were composed with it", "[maintenance][any]") {
  auto const memory = looked_after_with<ListedMemory>({});
  CHECK_THAT(memory, Catch::EndsWith("cannot share blocks"));
  CHECK(looked_after_with<Mixed>({.name = "memory"}) == memory);
  CHECK(looked_after_with<OnlyMemory>({.name = "memory"}) == memory);

  auto const vfs = looked_after_with<drivers::Vfs>({});
  CHECK_THAT(vfs, Catch::EndsWith("shared blocks"));
  CHECK_THAT(vfs, !Catch::EndsWith("cannot share blocks"));
  CHECK(looked_after_with<Mixed>({.name = "vfs"}) == vfs);
}

TEST_CASE("calls that a held driver cannot do are refused, and nothing is asked of it by the way",
          "[maintenance][any]") {
  testing::TempDir const dir;
  Of<Mixed> store({.graph_root = dir / "graph", .run_root = dir / "run", .driver = {.name = "memory"}});
  auto layer = store.layers().import(memory_source(stores::tar_of({{"a", "1"}})), {.id = "base"});
  CHECK(stores::code_of([&] { static_cast<void>(layer.mount()); }) == Errc::unsupported);
  CHECK(layer.changes().size() == 1);
  CHECK(layer.diff_size() == 1);
  // As with a driver that cannot mount: a stream goes over the layer as a whole, and maps are refused before anything is made.
  layer.apply(memory_source(stores::tar_of({{"b", "2"}})));
  CHECK(store.layers().get("base").changes().size() == 2);
  IdMap const shifted{{.container_id = 0, .host_id = 1000, .size = 10}};
  CHECK(stores::code_of([&] {
          store.layers().create({.id = "mapped", .maps = {.uids = shifted, .gids = shifted}});
        }) == Errc::unsupported);
  store.layers().remove("base");
  CHECK(store.layers().list().empty());
  store.shutdown();
}
