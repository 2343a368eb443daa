#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/repair_mounts.hpp>
#include <strata/sys/file.hpp>

#include <catch2/catch.hpp>

#include "store/stores.hpp"
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace strata;

namespace {

using Core = stores::Overlay::Core;

Problem mount_problem(ProblemKind kind, LayerId const& id) {
  return {.subject = Subject::layer, .id = id.str(), .kind = kind};
}

struct Mounted {
  stores::Fixture<stores::Overlay> fixture;
  Core& core = fixture.store.core();
  LayerId const id = fixture.store.layers().create({.id = "layer"}).id();
  detail::RepairLog log = {};
  detail::MountRepairer<Core> repairer{core, log};

  std::int64_t count() const { return fixture.store.layers().get(id).mount_count(); }
  void set_count(std::int64_t count) {
    core.mounts().write().set({.id = id.str(), .path = {}, .count = count, .extra = {}});
  }
};

}  // namespace

TEST_CASE("mounts are forgotten only if they are gone", "[store][repair]") {
  Mounted store;
  store.fixture.store.layers().get(store.id).mount().keep();
  auto const stale = mount_problem(ProblemKind::mount_stale, store.id);
  store.repairer.repair(stale);  // mounted since the check
  CHECK(store.log.actions.empty());
  CHECK(store.count() == 1);
  store.core.driver().unmount(store.id, store.core.flush());
  store.repairer.repair(stale);
  CHECK(store.log.actions == std::vector<std::string>{"layer layer: forgot mounts that are gone"});
  CHECK(store.count() == 0);
  store.repairer.repair(stale);  // forgotten by another process
  CHECK(store.log.actions.size() == 1);
}

TEST_CASE("what nobody counts is unmounted, unless somebody does by now", "[store][repair]") {
  Mounted store;
  store.fixture.store.layers().get(store.id).mount().keep();
  auto const uncounted = mount_problem(ProblemKind::mount_uncounted, store.id);
  store.repairer.repair(uncounted);
  CHECK(store.log.actions.empty());
  CHECK(store.core.driver().is_mounted(store.id));
  store.set_count(0);
  store.repairer.repair(uncounted);
  CHECK(store.log.actions == std::vector<std::string>{"layer layer: unmounted what nobody counts"});
  CHECK_FALSE(store.core.driver().is_mounted(store.id));
}

TEST_CASE("counts that cannot be read begin anew with what is mounted", "[store][repair]") {
  Mounted store;
  store.fixture.store.layers().create({.id = "other"});
  auto const path = store.fixture.store.layers().get(store.id).mount().keep();
  sys::replace_file(store.fixture.directory.path() / "run/overlay-layers/mountpoints.json", "{");
  store.repairer.recount();
  CHECK(store.log.actions.size() == 1);
  auto const rows = store.core.mounts().read().rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]->id == "layer");
  CHECK(rows[0]->path == path.native());
  CHECK(rows[0]->count == 1);
}

TEST_CASE("a mount in another mount namespace stays counted", "[store][repair]") {
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const layer = store.layers().import(memory_source(stores::tar_of({{"file", "contents"}})));
  store.images().create({.names = {"image"}, .top_layer = layer.id()});
  auto const box = store.containers().create("image");
  int ready[2], end[2];
  REQUIRE((::pipe(ready) == 0 && ::pipe(end) == 0));
  pid_t const child = ::fork();
  if (child == 0) {
    char byte = '0';
    ::close(end[1]);
    try {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        ::_exit(1);
      stores::Overlay other(fixture.options());
      other.containers().get(box.id()).mount().keep();
      byte = '1';
    } catch (...) {
    }
    if (::write(ready[1], &byte, 1) != 1 || ::read(end[0], &byte, 1) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(ready[1]);
  char byte = '0';
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == '1');
  CHECK(repair(store).actions == std::vector<std::string>{});
  CHECK(box.mount_count() == 1);
  ::close(end[1]);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(repair(store).actions.size() == 1);
  CHECK(box.mount_count() == 0);
  for (int const fd : {ready[0], end[0]}) ::close(fd);
}
