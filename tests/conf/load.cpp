#include <strata/conf/load.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <map>
#include <string>
#include <vector>

using namespace strata;

namespace {

using Words = std::vector<std::string>;

constexpr auto everything = R"([storage]
driver = "overlay"
runroot = "/runs/$UID"
graphroot = "/graphs/$NAME"
imagestore = "/images"
rootless_storage_path = "/unused"
driver_priority = ["overlay", "vfs"]
transient_store = true
[storage.options]
additionalimagestores = ["/one", "/two"]
additionallayerstores = ["/layers:ref"]
size = "1G"
mount_program = "/bin/true"
skip_mount_home = "true"
ignore_chown_errors = "true"
force_mask = 0o700
mountopt = "nodev"
remap-uids = "0:1000:10:10:5000:5"
remap-gids = "0:2000:15"
root-auto-userns-user = "others"
auto-userns-min-size = 2
auto-userns-max-size = 3
disable-volatile = true
pull_options = {enable_partial_images = "true", ostree_repos = ""}
[storage.options.overlay]
mountopt = "nodev,metacopy=on"
inodes = "5"
use_composefs = "false"
sync = "filesystem"
[storage.options.vfs]
ignore_chown_errors = "true"
[storage.options.btrfs]
min_space = "1"
size = "2"
[storage.options.zfs]
fsname = "pool"
[storage.options.thinpool]
size = "1"
)";

}  // namespace

TEST_CASE("conf: every key of storage.conf", "[conf]") {
  FakeHost fake;
  fake.variables["NAME"] = "mine";
  fake.write("etc/containers/storage.conf", everything);
  auto const conf = conf::load_storage_conf(fake.host());
  CHECK(conf.warnings.empty());
  CHECK(conf.files == std::vector<fs::path>{fake.dir / "etc/containers/storage.conf"});
  CHECK(conf.driver == "overlay");
  CHECK(conf.run_root == "/runs/0");
  CHECK(conf.graph_root == "/graphs/mine");
  CHECK(conf.image_store == "/images");
  CHECK(conf.rootless_storage_path == "/unused");
  CHECK(conf.driver_priority == Words{"overlay", "vfs"});
  CHECK(conf.transient_store);
  CHECK(conf.disable_volatile);
  CHECK(conf.default_maps == IdMaps{.uids = {{0, 1000, 10}, {10, 5000, 5}}, .gids = {{0, 2000, 15}}});
  CHECK(conf.auto_userns_user == "others");
  CHECK(conf.auto_userns_min_size == 2);
  CHECK(conf.auto_userns_max_size == 3);
  CHECK(conf.pull_options ==
        std::map<std::string, std::string>{{"enable_partial_images", "true"}, {"ostree_repos", ""}});
  CHECK(conf.driver_options == Words{"overlay.imagestore=/one", "overlay.imagestore=/two",
                                     "overlay.additionallayerstore=/layers:ref", "overlay.size=1G",
                                     "overlay.mount_program=/bin/true", "overlay.skip_mount_home=true",
                                     "overlay.ignore_chown_errors=true", "overlay.force_mask=700",
                                     "overlay.mountopt=nodev,metacopy=on", "overlay.inodes=5",
                                     "overlay.use_composefs=false", "overlay.sync=filesystem"});
}

TEST_CASE("conf: only the options of the driver that is configured; of all where none is", "[conf]") {
  FakeHost fake;
  std::string const tables =
      "[storage.options.overlay]\nmountopt = \"nodev\"\n[storage.options.vfs]\nignore_chown_errors = "
      "\"true\"\n";
  auto const options = [&](std::string const& driver) {
    fake.write("etc/containers/storage.conf",
               "[storage]\n" + driver + "[storage.options]\nsize = \"1G\"\n" + tables);
    return conf::load_storage_conf(fake.host()).driver_options;
  };
  CHECK(options("driver = \"vfs\"\n") == Words{"vfs.size=1G", "vfs.ignore_chown_errors=true"});
  CHECK(options("driver = \"overlay2\"\n") == Words{"overlay.size=1G", "overlay.mountopt=nodev"});
  CHECK(options("") == Words{".size=1G", "overlay.mountopt=nodev", "vfs.ignore_chown_errors=true"});
}

TEST_CASE("conf: later files over earlier ones", "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf",
             "[storage]\ndriver = \"overlay\"\ngraphroot = \"/main\"\n[storage.options]\n"
             "additionalimagestores = [\"/one\"]\npull_options = {a = \"1\", b = \"1\"}\n");
  fake.write(
      "etc/containers/storage.conf.d/10.conf",
      "[storage.options]\nadditionalimagestores = [\"/two\", {append=true}]\npull_options = {b = \"2\"}\n");
  fake.variables["CONTAINERS_STORAGE_CONF_OVERRIDE"] =
      fake.write("last.conf", "[storage]\ngraphroot = \"/last\"\n");
  auto const conf = conf::load_storage_conf(fake.host());
  CHECK(conf.driver == "overlay");
  CHECK(conf.graph_root == "/last");
  CHECK(conf.driver_options == Words{"overlay.imagestore=/one", "overlay.imagestore=/two"});
  CHECK(conf.pull_options == std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
  CHECK(conf.files.size() == 3);
}

TEST_CASE("conf: an ordinary user's store", "[conf]") {
  FakeHost fake;
  fake.variables["XDG_RUNTIME_DIR"] = "/runtime";
  auto const home = (fake.dir / "home").native();
  auto const graph_root = [&] { return conf::load_storage_conf(fake.host(1000)).graph_root; };
  fake.write("usr/share/containers/storage.conf",
             "[storage]\ndriver = \"overlay\"\nrunroot = \"/run/of/root\"\ngraphroot = \"/of/root\"\n");
  CHECK(graph_root() == home + "/.local/share/containers/storage");
  CHECK(conf::load_storage_conf(fake.host(1000)).run_root == "/runtime/containers");
  CHECK(conf::load_storage_conf(fake.host(1000)).driver == "overlay");
  CHECK(conf::load_storage_conf(fake.host()).graph_root == "/of/root");

  fake.write("usr/share/containers/storage.conf",
             "[storage]\ngraphroot = \"/of/root\"\n"
             "rootless_storage_path = \"/users/$UID/${HOME}\"\n");
  CHECK(graph_root() == "/users/1000" + home);
  fake.write("etc/containers/storage.rootless.conf.d/1000/x.conf", "[storage]\ngraphroot = \"/drop/$UID\"\n");
  CHECK(graph_root() == "/drop/1000");
  fake.write("home/.config/containers/storage.conf", "[storage]\ngraphroot = \"/mine\"\n");
  CHECK(graph_root() == "/drop/1000");
  fs::remove(fake.dir / "etc/containers/storage.rootless.conf.d/1000/x.conf");
  CHECK(graph_root() == "/mine");
}

TEST_CASE("conf: the environment", "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf",
             "[storage]\ndriver = \"overlay\"\n[storage.options.overlay]\nmountopt = \"nodev\"\n");
  fake.variables["STORAGE_DRIVER"] = "vfs";
  CHECK(conf::load_storage_conf(fake.host()).driver == "vfs");
  CHECK(conf::load_storage_conf(fake.host()).driver_options.empty());
  fake.variables["STORAGE_OPTS"] = "a=1,b=2";
  CHECK(conf::load_storage_conf(fake.host()).driver_options == Words{"a=1", "b=2"});
  fake.variables["STORAGE_DRIVER"] = "";
  fake.variables["STORAGE_OPTS"] = "";
  CHECK(conf::load_storage_conf(fake.host()).driver == "overlay");
  CHECK(conf::load_storage_conf(fake.host()).driver_options.empty());
}

TEST_CASE("conf: warnings", "[conf]") {
  FakeHost fake;
  auto const file = fake.write("etc/containers/storage.conf",
                               "[storage]\nbogus = 1\n[storage.options.overlay]\n\"x y\" = 1\n");
  CHECK(
      conf::load_storage_conf(fake.host()).warnings ==
      Words{R"(Failed to decode the keys ["storage.bogus" "storage.options.overlay.\"x y\""] from ")" + file +
                '"',
            "The storage 'driver' option should be set in " + file + ". A driver was picked automatically."});
  fake.write("etc/containers/storage.conf", "[storage]\ndriver = \"overlay2\"\n");
  CHECK(conf::load_storage_conf(fake.host()).warnings ==
        Words{"Switching default driver from overlay2 to the equivalent overlay driver"});
  fake.write("etc/containers/storage.conf", "[storage]\ndriver_priority = [\"vfs\"]\n");
  CHECK(conf::load_storage_conf(fake.host()).warnings.empty());
  CHECK(conf::load_storage_conf(FakeHost().host()).warnings.empty());
}

TEST_CASE("conf: an image store that is the graph root is refused", "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf", "[storage]\ngraphroot = \"/x\"\nimagestore = \"/x\"\n");
  try {
    conf::load_storage_conf(fake.host());
    FAIL("loaded");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::configuration);
    CHECK(error.subject() == "imagestore /x must either be not set or be a different than graphroot");
  }
}

TEST_CASE("conf: one file as it stands", "[conf]") {
  FakeHost fake;
  auto const conf =
      conf::read_storage_conf(fake.write("x.conf", "[storage]\ngraphroot = \"/a/$UID\"\n"), fake.host());
  CHECK(conf.graph_root == "/a/$UID");
  CHECK(conf.run_root.empty());
  CHECK_FALSE(conf.pull_options);
  CHECK_THROWS_WITH(conf::read_storage_conf("/no/such", fake.host()), Catch::StartsWith("stat /no/such: "));
}

TEST_CASE("conf: default maps that are none are refused where they stand, and remap-user has no effect",
          "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf", "[storage.options]\nremap-user = \"me\"\nremap-group = \"us\"\n");
  auto const conf = conf::load_storage_conf(fake.host());
  CHECK(conf.default_maps.empty());
  REQUIRE(conf.warnings.size() == 2);
  CHECK_THAT(conf.warnings[0],
             Catch::Contains("[\"storage.options.remap-user\" \"storage.options.remap-group\"]"));
  fake.write("etc/containers/storage.conf", "[storage.options]\nremap-gids = \"0:1\"\n");
  try {
    conf::load_storage_conf(fake.host());
    FAIL("a map of two numbers was taken");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::configuration);
    CHECK_THAT(error.subject(), Catch::Contains("line 2") && Catch::Contains("storage.options.remap-gids") &&
                                    Catch::Contains("malformed"));
  }
}
