#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/usage.hpp>
#include <strata/store/store.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "stores.hpp"
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace strata;

namespace {

/// Runs each piece of work on a thread of its own, all at once. @return  what any of them threw
std::vector<std::string> all_at_once(std::vector<std::function<void()>> const& works) {
  std::vector<std::string> failures;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  std::atomic<bool> go = false;
  for (auto const& work : works)
    threads.emplace_back([&, work] {
      go.wait(false);
      try {
        work();
      } catch (std::exception const& error) {
        std::lock_guard const lock(mutex);
        failures.emplace_back(error.what());
      }
    });
  go = true;
  go.notify_all();
  threads.clear();
  return failures;
}

/// Work of `rounds` rounds; each is told its number.
std::function<void()> rounds(int count, std::function<void(int)> const& round) {
  return [count, round] {
    for (int i = 0; i < count; ++i) round(i);
  };
}

}  // namespace

// Run under ThreadSanitizer by hand; here it shows that nobody is in another's way.
TEMPLATE_TEST_CASE("all operations may run concurrently on one store object", "[store][threads]", stores::Vfs,
                   stores::Overlay) {
  if (::geteuid() != 0) return;  // maps change owners
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  auto const subids = fixture.directory.path() / "subids";
  fs::ofstream(subids) << "boxes:100000:100000\n";
  AutoUserns const wanted{.size = 1000, .user = "boxes", .subuid_file = subids, .subgid_file = subids};
  auto const tar = stores::tar_of({{"etc/", ""}, {"etc/file", std::string(20'000, 'y')}});
  auto const base = store.layers().import(memory_source(tar), {.id = "base"});
  store.layers().import(memory_source(stores::tar_of({{"top", "top"}})), {.id = "top", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "top"});
  IdMaps const high{.uids = {{0, 300000, 65536}}, .gids = {{0, 300000, 65536}}};

  std::vector<std::function<void()>> const works{
      rounds(
          3,
          [&](int) { store.layers().remove(store.layers().import(memory_source(tar), {.parent = "base"})); }),
      rounds(3,
             [&](int i) {
               auto staged = store.layers().stage({.parent = "base"});
               staged.fill(memory_source(tar));
               staged.commit({.names = {"staged" + std::to_string(i)}}).big_data().set("key", "value");
             }),
      rounds(2, [&](int) { store.containers().create("image", {.auto_userns = wanted}); }),
      rounds(2, [&](int) { store.containers().create("image", {.auto_userns = wanted}); }),
      rounds(2, [&](int) { store.containers().create("image", {.maps = high}); }),
      rounds(2,
             [&](int) {
               auto const box = store.containers().create("image", {.maps = high});
               fs::ofstream(box.mount().path() / "etc/file") << "changed";
               stores::diff_of(box);
               store.containers().remove(box);
             }),
      rounds(4, [&](int) { static_cast<void>(base.mount()); }),
      rounds(2, [&](int) { check(store); }),
      rounds(2, [&](int) { measure_usage(store); }),
      rounds(2, [&](int) { dedup_layers(store); }),
      rounds(2, [&](int) { collect_garbage(store); }),
      rounds(4,
             [&](int) {
               for (auto const& layer : store.layers().list()) layer.id();
               for (auto const& box : store.containers().list()) box.record();
               static_cast<void>(store.images().get("image").size());
               static_cast<void>(store.mounted_layers());
             }),
  };
  CHECK(all_at_once(works) == std::vector<std::string>{});

  auto const boxes = store.containers().list();
  CHECK(boxes.size() == 6);
  idmap::IdSet given;
  std::int64_t ids = 0;
  for (auto const& box : boxes)
    if (box.record().uidmap.front().host_id < 300000)
      for (auto const& range : box.record().uidmap) given.add(range.host_id, range.size), ids += range.size;
  CHECK(ids == 4000);
  CHECK(given.size() == ids);  // nobody shares an id
  CHECK(store.mounted_layers().empty());
  CHECK(check(store).problems.empty());
  CHECK(store.layers().get("staged2").big_data().get("key") == "value");
  CHECK(stores::diff_of(store.layers().get("base")) == tar);
}
