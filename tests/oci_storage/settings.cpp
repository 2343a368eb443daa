#include "../../examples/oci-storage/settings.cpp"

#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

using namespace oci_storage;

namespace {

using Words = std::vector<std::string>;

Options globals(Words const& words) { return parse(words, global_options()).options; }

/// A configuration of its own for this process, while the object is.
struct Configured {
  strata::testing::TempDir dir;
  explicit Configured(std::string const& text) {
    strata::sys::replace_file(dir / "storage.conf", text);
    ::setenv("CONTAINERS_STORAGE_CONF", (dir / "storage.conf").c_str(), 1);
  }
  ~Configured() {
    for (auto const* name : {"CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS"}) ::unsetenv(name);
  }
};

constexpr auto usual = R"([storage]
driver = "vfs"
graphroot = "/graph"
runroot = "/run"
imagestore = "/images"
driver_priority = ["vfs"]
transient_store = true
[storage.options]
additionalimagestores = ["/more"]
disable-volatile = true
remap-uids = "0:100000:65536"
remap-gids = "0:200000:65536"
)";

}  // namespace

TEST_CASE("oci-storage: the configuration, and options over it", "[oci-storage]") {
  Configured const configured(usual);
  auto now = settings({}, {});
  CHECK(now.graph_root == "/graph");
  CHECK(now.run_root == "/run");
  CHECK(now.image_store == "/images");
  CHECK(now.transient);
  CHECK(now.disable_volatile);
  CHECK(now.default_maps == strata::IdMaps{.uids = {{0, 100000, 65536}}, .gids = {{0, 200000, 65536}}});
  CHECK(now.driver == "vfs");
  CHECK(now.driver_priority == Words{"vfs"});
  CHECK(now.driver_options == Words{"vfs.imagestore=/more"});
  CHECK(now.flush);
  CHECK_FALSE(now.debug);
  CHECK_FALSE(now.configuration_error);

  now = settings({}, globals({"-g", "/x/../y/", "-s", "overlay", "--storage-opt", "c=3", "--image-store=/i",
                              "--transient-store=0"}));
  CHECK(now.graph_root == "/y");
  CHECK(now.run_root == "/run");
  CHECK(now.driver == "overlay");
  CHECK(now.driver_options == Words{"vfs.imagestore=/more", "c=3"});
  CHECK(now.image_store == "/i");
  CHECK_FALSE(now.transient);
  CHECK(now.configured.driver == "vfs");
}

TEST_CASE("oci-storage: a root before the command replaces the configuration", "[oci-storage]") {
  Configured const configured(usual);
  ::setenv("STORAGE_DRIVER", "overlay", 1);
  ::setenv("STORAGE_OPTS", "a=1", 1);
  auto now = settings(globals({"-g", "/x", "--storage-opt", "c=3"}),
                      globals({"--storage-opt", "d=4", "--durability=none"}));
  CHECK(now.graph_root == "/x");
  CHECK(now.run_root == "/run");
  CHECK(now.driver.empty());
  CHECK(now.driver_priority.empty());
  CHECK(now.driver_options == Words{"c=3", "d=4"});
  CHECK(now.image_store.empty());
  CHECK(now.default_maps.empty());
  CHECK_FALSE(now.transient);
  CHECK_FALSE(now.flush);

  // Not so a driver alone: containers-storage cannot open a store then.
  now = settings(globals({"-s", "vfs", "--transient-store=false", "--image-store", "/i"}), {});
  CHECK(now.graph_root == "/graph");
  CHECK(now.driver == "vfs");
  CHECK(now.driver_options == Words{"a=1"});
  CHECK(now.image_store == "/i");
  CHECK_FALSE(now.transient);
  CHECK_THROWS_AS(settings({}, globals({"--durability", "half"})), OptionError);
}

TEST_CASE("oci-storage: a user namespace is asked for after the command, or by being an ordinary user",
          "[oci-storage]") {
  Configured const configured("[storage]\ndriver = \"vfs\"\n");
  bool const rootless = !strata::sys::has_admin_rights();
  CHECK(settings({}, {}).unshare == rootless);
  CHECK(settings({}, globals({"--unshare"})).unshare);
  CHECK_FALSE(settings({}, globals({"-U=false"})).unshare);
  if (::geteuid() == 0) CHECK(settings(globals({"-U"}), {}).unshare == rootless);
  ::setenv("_CONTAINERS_ROOTLESS_UID", "1000", 1);
  CHECK(settings(globals({"-U"}), {}).unshare);
  CHECK(settings({}, {}).unshare == rootless);  // is root for that user already
  CHECK_FALSE(settings(globals({"-U=0"}), {}).unshare);
  ::unsetenv("_CONTAINERS_ROOTLESS_UID");
}

TEST_CASE("oci-storage: a configuration that cannot be read is told when the store is opened",
          "[oci-storage]") {
  Configured const configured("bad =");
  auto now = settings({}, {});
  REQUIRE(now.configuration_error);
  CHECK_THROWS_WITH(std::rethrow_exception(now.configuration_error),
                    Catch::StartsWith("toml: line 1 (last key \"bad\"): "));
  CHECK(now.warnings.size() == 1);
  CHECK_FALSE(now.graph_root.empty());
  now = settings(globals({"-g", "/x"}), {});
  CHECK(now.configuration_error);
  CHECK(now.warnings.empty());
}

TEST_CASE("oci-storage: the configuration as JSON", "[oci-storage]") {
  {
    Configured const configured(usual);
    CHECK(
        configuration_json(settings(globals({"-g", "/x"}), {})) ==
        R"({"runroot":"/run","root":"/graph","imagestore":"/images","RootlessStoragePath":"","driver":"vfs",)"
        R"("driver-priority":["vfs"],"driver-options":["vfs.imagestore=/more"],)"
        R"("uidmap":[{"container_id":0,"host_id":100000,"size":65536}],)"
        R"("gidmap":[{"container_id":0,"host_id":200000,"size":65536}],"PullOptions":null,)"
        R"("disable-volatile":true,"transient_store":true})");
  }
  Configured const configured(
      "[storage.options]\npull_options = {b = \"<\", a = \"\"}\nroot-auto-userns-user = \"u\"\n"
      "auto-userns-min-size = 1\nauto-userns-max-size = 2\n");
  CHECK(
      configuration_json((configured.dir / "storage.conf").native()) ==
      R"({"RootlessStoragePath":"","root_auto_ns_user":"u","auto_userns_min_size":1,"auto_userns_max_size":2,)"
      R"("PullOptions":{"a":"","b":"\u003c"}})");
  Configured const empty("");
  CHECK(configuration_json((empty.dir / "storage.conf").native()) ==
        R"({"RootlessStoragePath":"","PullOptions":null})");
  CHECK_THROWS_WITH(configuration_json("/nosuch"), Catch::StartsWith("stat /nosuch: "));
}
