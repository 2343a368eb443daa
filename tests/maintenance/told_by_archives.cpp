#include <strata/maintenance/told_by_archives.hpp>

#include <catch2/catch.hpp>

#include "damages.hpp"
#include "store/stores.hpp"
#include <string>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

template <class S>
bool is_told(typename S::Options const& options, std::string const& layer) {
  typename S::Core core(options);
  auto const records = detail::StoreSnapshot<typename S::Core>::read(core);
  return detail::is_told_by_archives(core, records, *records.layers.find(layer));
}

}  // namespace

TEMPLATE_TEST_CASE("a file from below that a user overwrites is in no archive", "[store][repair]",
                   stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of({{"d/", ""}, {"d/x", "1"}})), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"y", "2"}})), {.id = "child", .parent = "base"});
  store.layers().create({.id = "mine", .parent = "child"});
  for (auto const* layer : {"base", "child", "mine"}) CHECK(is_told<TestType>(fixture.options(), layer));
  damages::write(store.layers().get("mine").mount().path() / "d/x", "of mine");
  CHECK_FALSE(is_told<TestType>(fixture.options(), "mine"));
  CHECK(is_told<TestType>(fixture.options(), "child"));
  // Bytes that are recorded by their digest are told of: a check says whether they are there.
  damages::write(store.layers().get("child").mount().path() / "y", "other");
  CHECK(is_told<TestType>(fixture.options(), "child"));
}

TEST_CASE("tar-splits of parents are searched in the store that has the layer", "[store][repair]") {
  stores::Fixture<stores::Vfs> fixture;
  auto options = fixture.options();
  options.image_stores = {fixture.directory.path() / "others"};
  stores::Vfs other({.graph_root = options.image_stores[0], .run_root = fixture.directory.path() / "r"});
  other.layers().import(memory_source(stores::tar_of({{"low", "1"}})), {.id = "base"});
  stores::Vfs store(options);
  store.layers().import(memory_source(stores::tar_of({{"top", "2"}})), {.id = "child", .parent = "base"});
  CHECK(is_told<stores::Vfs>(options, "child"));
}
