#include <strata/drivers/naive_diff.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/testing/driver_suite.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using strata::LayerId;

namespace {

/// vfs without its own comparison, and with mounts that must be made and can fail.
class MountsOnly {
 public:
  using Options = strata::drivers::Vfs::Options;
  using Staged = strata::drivers::Vfs::Staged;

  explicit MountsOnly(strata::DriverPlace const& place) : vfs_(place) {}
  std::string_view name() const { return "mounts-only"; }
  Staged stage(strata::StageRequest const& request) { return vfs_.stage(request); }
  void publish(LayerId const& id, Staged staged) { vfs_.publish(id, std::move(staged)); }
  void replace(LayerId const& id, Staged& staged) { vfs_.replace(id, staged); }
  strata::Trash remove(LayerId const& id) { return vfs_.remove(id); }
  bool exists(LayerId const& id) const { return vfs_.exists(id); }
  std::vector<LayerId> list() const { return vfs_.list(); }
  void copy_file(LayerId const& id, std::string_view file, strata::Writer& to) const {
    vfs_.copy_file(id, file, to);
  }
  void recover() { vfs_.recover(); }
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  strata::fs::path mount(LayerId const& id, strata::MountRequest const& request) {
    if (!mounted.insert(id).second) throw strata::Error(strata::Errc::layer_used_by_container, id.str());
    try {
      return vfs_.mount(id, request);
    } catch (...) {
      mounted.erase(id);
      throw;
    }
  }
  void unmount(LayerId const& id, strata::Flush) { mounted.erase(id); }
  bool is_mounted(LayerId const& id) const { return mounted.contains(id); }
  strata::fs::path mount_path(LayerId const& id) const { return vfs_.mount_path(id); }

  std::set<LayerId> mounted = {};

 private:
  strata::drivers::Vfs vfs_;
};
static_assert(strata::MountDriver<MountsOnly> && !strata::DiffDriver<MountsOnly>);

}  // namespace

TEST_CASE("a driver that can only mount is compared by its trees", "[drivers][naive_diff]") {
  strata::testing::driver_suite<MountsOnly>(
      [](strata::DriverPlace const& place) { return MountsOnly(place); });
}

TEST_CASE("comparing gives back the mounts that it made, and no others", "[drivers][naive_diff]") {
  strata::testing::TempDir const place;
  MountsOnly driver({.graph_root = place / "g", .run_root = place / "r"});
  strata::testing::create_layer(driver, LayerId("base"), {}, {strata::testing::file("a", "1")});
  strata::testing::create_layer(driver, LayerId("top"), LayerId("base"), {strata::testing::file("b", "22")});
  CHECK(strata::drivers::naive::diff_size(driver, {LayerId("top"), LayerId("base")}) == 2);
  CHECK(driver.mounted.empty());
  driver.mount(LayerId("top"), {});
  CHECK(strata::drivers::naive::changes(driver, {LayerId("top"), LayerId("base")}).size() == 1);
  CHECK(driver.mounted == std::set{LayerId("top")});
  CHECK_THROWS_AS(strata::drivers::naive::changes(driver, {LayerId("top"), LayerId("none")}), strata::Error);
  CHECK(driver.mounted == std::set{LayerId("top")});
}
