#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::testing {

namespace detail {

inline IdMaps const sample_maps{.uids = {{0, 100000, 1000}, {1000, 300000, 64000}},
                                .gids = {{0, 200000, 65000}}};
inline IdMaps const other_maps{.uids = {{0, 500000, 65536}}, .gids = {{0, 600000, 65536}}};

inline Entry owned(Entry entry, std::int64_t uid, std::int64_t gid) {
  entry.header.uid = uid;
  entry.header.gid = gid;
  return entry;
}

/// Entries of a lower layer; those of the upper one hide and replace some of them.
inline std::vector<Entry> lower_entries() {
  return {owned(directory("d"), 5, 6), owned(file("d/a", "text"), 5, 6), owned(hard_link("d/b", "d/a"), 5, 6),
          owned(file("d/gone", "gone"), 7, 7), owned(file("program", "run", 04755), 1000, 0)};
}
inline std::vector<Entry> upper_entries() {
  return {owned(directory("d"), 5, 6), whiteout("d/gone"), owned(symbolic_link("d/link", "a"), 8, 9),
          owned(file("new", "new"), 0, 0)};
}

template <class D>
void publish_mapped(D& driver, LayerId const& id, StageRequest const& request,
                    std::vector<Entry> const& entries = {}) {
  auto staged = driver.stage(request);
  add_all(staged, entries);
  staged.finish();
  driver.publish(id, std::move(staged));
}

inline struct stat host_status(fs::path const& path) {
  struct stat status {};
  INFO(path);
  CHECK(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// @param shown  directory in which a layer with all of these entries is visible
inline void check_owners(fs::path const& shown, IdMaps const& maps) {
  auto const is = [&](std::string const& name, std::int64_t uid, std::int64_t gid) {
    INFO(name);
    auto const status = host_status(shown / name);
    CHECK(status.st_uid == idmap::host_id(maps.uids, uid));
    CHECK(status.st_gid == idmap::host_id(maps.gids, gid));
    return status;
  };
  is("d", 5, 6);
  auto const a = is("d/a", 5, 6);
  auto const b = is("d/b", 5, 6);
  CHECK(a.st_nlink == 2);
  CHECK(b.st_nlink == 2);
  is("d/link", 8, 9);
  is("new", 0, 0);
  CHECK((is("program", 1000, 0).st_mode & 07777U) == 04755U);
  CHECK_FALSE(fs::exists(shown / "d/gone"));
}

}  // namespace detail

/// Checks the semantics of `IdMapDriver` with Catch2. Needs CAP_CHOWN and the privileges of the driver.
///
/// @param open  makes a driver in the given empty directory
template <IdMapDriver D>
void id_map_suite(std::function<D(fs::path const&)> const& open) {
  using detail::sample_maps, detail::other_maps, detail::publish_mapped, detail::check_owners;
  TempDir const place;
  D driver = open(place.path());
  LayerId const lower("lower");
  LayerId const upper("upper");
  LayerId const copy("copy");
  LayerId const child("child");

  struct Shown {
    Shown(D& with, LayerId const& layer, MountRequest const& request)
        : driver(with), id(layer), path(with.mount(layer, request)) {}
    ~Shown() { driver.unmount(id, Flush::none); }
    D& driver;
    LayerId id;
    fs::path path;
  };

  SECTION("ids of an archive are a container's") {
    publish_mapped(driver, lower, {.maps = sample_maps}, detail::lower_entries());
    publish_mapped(driver, upper, {.parent = lower, .maps = sample_maps, .parent_maps = sample_maps},
                   detail::upper_entries());
    Shown const shown(driver, upper, {});
    check_owners(shown.path, sample_maps);
  }
  SECTION("an owner whom the maps lack is refused") {
    auto staged = driver.stage({.maps = sample_maps});
    CHECK(code_of([&] { add_all(staged, {detail::owned(file("f", ""), 70000, 0)}); }) ==
          Errc::invalid_mappings);
  }
  SECTION("a copy of a layer gets other owners, and is the same layer otherwise") {
    publish_mapped(driver, lower, {}, detail::lower_entries());
    publish_mapped(driver, upper, {.parent = lower}, detail::upper_entries());
    publish_mapped(driver, copy, {.parent = lower, .copy_of = upper, .maps = sample_maps});
    DiffMaps const both{.newer = sample_maps, .older = {}};
    CHECK(describe(driver.changes({copy, lower, both})) == describe(driver.changes({upper, lower})));
    CHECK(driver.diff_size({copy, lower, both}) == driver.diff_size({upper, lower}));
    CHECK(read_layer_file(driver, copy, "new") == "new");
    publish_mapped(driver, child, {.parent = copy, .maps = sample_maps, .parent_maps = sample_maps});
    for (auto const& id : {copy, child}) {
      Shown const shown(driver, id, {});
      check_owners(shown.path, sample_maps);
    }
    Shown const original(driver, upper, {});
    check_owners(original.path, {});
  }
  SECTION("owners go from some maps to others") {
    publish_mapped(driver, lower, {.maps = sample_maps}, detail::lower_entries());
    publish_mapped(driver, upper, {.parent = lower, .maps = other_maps, .parent_maps = sample_maps},
                   detail::upper_entries());
    {
      Shown const shown(driver, upper, {});
      check_owners(shown.path, other_maps);
    }
    CHECK(describe(driver.changes({upper, lower, {.newer = other_maps, .older = sample_maps}})) ==
          "~/d -/d/gone +/d/link +/new ");
  }
  SECTION("an archive of changes has the container's ids") {
    publish_mapped(driver, lower, {.maps = sample_maps}, detail::lower_entries());
    std::string tar;
    auto sink = string_sink(tar);
    archive::TarWriter writer(sink);
    driver.diff({.layer = lower, .maps = {.newer = sample_maps, .older = {}}}, writer);
    writer.finish();
    auto const found = read_archive(tar);
    CHECK(found.at("program").header.uid == 1000);
    CHECK(found.at("d/a").header.gid == 6);
  }
  SECTION("a change of owners can be stopped, and leaves nothing") {
    publish_mapped(driver, lower, {}, detail::lower_entries());
    std::stop_source stop;
    stop.request_stop();
    StageRequest const request{
        .parent = lower, .control = {.progress = {}, .stop = stop.get_token()}, .maps = sample_maps};
    CHECK(code_of([&] { driver.stage(request); }) == Errc::stopped);
    CHECK(driver.list() == std::vector{lower});
  }
  if (!driver.shifts(sample_maps)) return;
  SECTION("a mount shows with other owners what is stored with the host's") {
    publish_mapped(driver, lower, {}, detail::lower_entries());
    publish_mapped(driver, upper, {.parent = lower}, detail::upper_entries());
    publish_mapped(driver, child, {.parent = upper, .writable = true});
    for (int round = 0; round < 2; ++round) {
      Shown const shown(driver, child, {.maps = sample_maps});
      check_owners(shown.path, sample_maps);
      auto const root = detail::host_status(shown.path);
      CHECK(root.st_uid == 100000);
      CHECK(root.st_gid == 200000);
      if (round == 1) CHECK(detail::host_status(shown.path / "mine").st_uid == 100007);
      fs::ofstream(shown.path / "mine") << "written";
      CHECK(::chown((shown.path / "mine").c_str(), 100007, 200007) == 0);
    }
    Shown const original(driver, upper, {});
    check_owners(original.path, {});
  }
}

}  // namespace strata::testing
