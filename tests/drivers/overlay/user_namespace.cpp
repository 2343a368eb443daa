#include <strata/drivers/overlay.hpp>
#include <strata/fs.hpp>
#include <strata/sys/enter_userns.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <exception>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

LayerId put(drivers::Overlay& driver, std::string const& id, std::optional<LayerId> const& parent,
            std::vector<testing::Entry> const& entries) {
  auto staged = driver.stage({.parent = parent, .flush = Flush::none});
  testing::add_all(staged, entries);
  staged.finish();
  driver.publish(LayerId(id), std::move(staged));
  return LayerId(id);
}

/// What is wrong with layers that are made and mounted in a user namespace; in a process of its own.
std::string use_layers(fs::path const& place) {
  std::string wrong;
  auto const expect = [&](bool right, char const* what) { wrong += right ? "" : std::string(what) + "; "; };
  sys::enter_user_namespace({{{0, 0, 1}, {1, 100000, 10000}}, {{0, 0, 1}, {1, 100000, 10000}}});
  drivers::Overlay driver({.graph_root = place / "graph", .run_root = place / "run"},
                          {.mountopt = "metacopy=on"});
  for (auto const& [name, value] : driver.status())
    if (name == "Native Overlay Diff") expect(value == "true", "no native diff");

  auto base = testing::file("d/sub/below", "below");
  base.header.xattrs = {{"trusted.secret", "x"}, {"user.kept", "y"}};
  base.header.uid = 1000;
  auto device = testing::file("null", "");
  device.header.type = archive::EntryType::char_device;
  device.header.dev_major = 1;
  device.header.dev_minor = 3;
  auto const lower = put(driver, "lower", {}, {base, testing::file("gone", "1"), device});
  auto const upper =
      put(driver, "upper", lower,
          {testing::opaque("d"), testing::file("d/above", "above"), testing::whiteout("gone")});
  auto const home = place / "graph/overlay";
  expect(sys::get_xattr(home / "lower/diff/d/sub/below", "user.kept") == "y", "attribute lost");
  expect(!fs::exists(home / "lower/diff/null"), "device made");
  expect(sys::get_xattr(home / "upper/diff/d", "user.overlay.opaque") == "y", "no opaque mark");

  auto const box = put(driver, "box", upper, {});
  auto const root = driver.mount(box, {});
  expect(fs::exists(root / "d/above"), "upper file hidden");
  expect(!fs::exists(root / "d/sub"), "lower directory shows");
  expect(!fs::exists(root / "gone"), "deleted file shows");
  fs::remove_all(root / "d");
  fs::create_directory(root / "d");
  fs::ofstream(root / "d/new") << "new";
  driver.unmount(box);
  std::string changes;
  for (auto const& change : driver.changes({box, upper})) changes += change.path + ' ';
  expect(changes == "/d /d/new ", changes.c_str());
  std::string tar;
  auto sink = string_sink(tar);
  archive::TarWriter writer(sink);
  driver.diff({box, upper}, writer);
  writer.finish();
  expect(tar.find("d/.wh..wh..opq") != tar.npos, "no opaque marker in the archive");
  expect(tar.find("user.overlay") == tar.npos, "overlayfs's own attributes in the archive");
  driver.shutdown();
  return wrong;
}

}  // namespace

TEST_CASE("overlay in a user namespace keeps its marks where it may write", "[drivers][overlay][userns]") {
  if (::geteuid() != 0) return;
  testing::TempDir const dir(fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto const child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = use_layers(dir.path());
    } catch (std::exception const& error) {
      text = error.what();
    }
    ::_exit(::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  sys::Fd const from(ends[0]);
  CHECK(sys::read_rest(from.get(), "pipe") == "");
  ::waitpid(child, nullptr, 0);
}
