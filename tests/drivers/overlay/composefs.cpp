#include <strata/codec/all.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/overlay/composefs.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "../../store/stores.hpp"
#include "../../sys/loop_disk.hpp"
#include "tools/kept_time.hpp"
#include <algorithm>
#include <string>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace composefs_tests {  // several files of tests are compiled as one
namespace fs = boost::filesystem;
using namespace strata;

namespace {

bool can_make_images() {
  if (::geteuid() == 0 && LoopDisk::run("command -v mkfs.erofs") &&
      LoopDisk::run("grep -qw erofs /proc/filesystems"))
    return true;
  WARN("skipped: needs root, mkfs.erofs and a kernel with EROFS");
  return false;
}

/// Stores a layer as containers/storage does with `use_composefs`; a file below 20 bytes is kept in the image.
void make_composefs(fs::path const& layer) {
  auto const tree = layer / "tree", flat = layer / "flat";
  fs::rename(layer / "diff", tree);
  fs::create_directories(flat);
  std::vector<fs::path> files;
  for (auto const& entry : fs::recursive_directory_iterator(tree))
    if (entry.symlink_status().type() == fs::regular_file && fs::file_size(entry.path()) >= 20)
      files.push_back(entry.path());
  for (auto const& file : files) {
    auto const bytes = sys::read_file(file);
    auto const hex = std::string(Digest::of(as_bytes(bytes)).hex());
    auto const name = hex.substr(0, 2) + '/' + hex.substr(2);
    fs::create_directories(flat / hex.substr(0, 2));
    fs::ofstream(flat / name) << bytes;
    tools::KeptTime const kept(file);
    fs::resize_file(file, 0);
    fs::resize_file(file, bytes.size());
    sys::set_xattr(file, "trusted.overlay.metacopy", "");
    sys::set_xattr(file, "trusted.overlay.redirect", '/' + name);
  }
  fs::create_directory(layer / "composefs-data");
  REQUIRE(LoopDisk::run("mkfs.erofs -E force-inode-extended " +
                        (layer / "composefs-data/composefs.blob").native() + ' ' + tree.native()));
  fs::remove_all(tree);
  fs::rename(flat, layer / "diff");
}

std::vector<std::string> shown(auto const& layer) {
  std::vector<std::string> out;
  for (auto const& change : layer.changes())
    out.push_back(std::to_string(static_cast<int>(change.kind)) + change.path);
  return out;
}

std::string const large(1000, 'l'), other(2000, 'o');

}  // namespace

TEST_CASE("a layer of composefs is mounted, compared and exported as the layer that it is",
          "[drivers][overlay][composefs]") {
  if (!can_make_images()) return;
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const base_tar =
      stores::tar_of({{"d/", ""}, {"d/large", large}, {"d/small", "small"}, {"gone", other}});
  auto const middle_tar =
      stores::tar_of({{"d/", ""}, {"d/.wh.small", ""}, {"d/other", other}, {"d/same", large}});
  auto const top_tar = stores::tar_of({{".wh.gone", ""}, {"top", "top"}});
  auto const base = store.layers().import(memory_source(base_tar), {.id = "base"});
  auto const middle = store.layers().import(memory_source(middle_tar), {.id = "middle", .parent = "base"});
  auto const top = store.layers().import(memory_source(top_tar), {.id = "top", .parent = "middle"});
  auto const changes_before = std::vector{shown(base), shown(middle), shown(top)};
  for (auto const* id : {"base", "middle"}) make_composefs(fixture.graph() / "overlay" / id);

  store.images().create({.id = "image", .top_layer = "top"});
  auto const box = store.containers().create("image", {.id = "box"});
  {
    auto const mount = box.mount();
    CHECK(sys::read_file(mount.path() / "d/large") == large);
    CHECK(sys::read_file(mount.path() / "d/same") == large);
    CHECK(sys::read_file(mount.path() / "d/other") == other);
    CHECK_FALSE(fs::exists(mount.path() / "d/small"));
    CHECK_FALSE(fs::exists(mount.path() / "gone"));
    fs::ofstream(mount.path() / "d/large", std::ios::app) << "more";
    fs::remove(mount.path() / "d/other");
    CHECK(sys::read_file(mount.path() / "d/large") == large + "more");
    for (auto const& entry : sys::mounts()) CHECK(entry.type != "erofs");  // overlayfs has its own
  }
  CHECK(shown(box.layer()) == std::vector<std::string>{"0/d", "0/d/large", "2/d/other"});
  CHECK(std::vector{shown(base), shown(middle), shown(top)} == changes_before);
  CHECK(stores::diff_of(base) == base_tar);
  CHECK(stores::diff_of(middle) == middle_tar);
  CHECK(stores::diff_of(top) == top_tar);
  // Without what was recorded of the archive, from the tree.
  fs::remove(fixture.graph() / "overlay-layers/base.tar-split.gz");
  std::string made;
  base.diff(string_sink(made));
  CHECK(made.find(large) != std::string::npos);
  CHECK(made.find("d/small") != std::string::npos);
  {
    auto const mount = middle.mount({.read_only = true});
    CHECK(sys::read_file(mount.path() / "d/other") == other);
    CHECK_FALSE(fs::exists(mount.path() / "d/small"));
  }
  {
    auto const tree = middle.tree();  // which cannot be read without a mount, of its own
    CHECK(middle.mount_count() == 0);
    CHECK_FALSE(middle.mounted_at());
    std::string paths;
    for (auto const& entry : tree.entries()) paths += entry.path + ' ';
    CHECK(paths == "/d /d/large /d/other /d/same /gone ");
    auto file = tree.open("d/other");
    CHECK(as_text(file.next()) == other);
  }
  CHECK(middle.mount_count() == 0);
  for (auto const& entry : sys::mounts()) CHECK(entry.type != "erofs");
}

TEST_CASE("what cannot be done with a layer of composefs is refused", "[drivers][overlay][composefs]") {
  if (!can_make_images()) return;
  stores::Fixture<stores::Overlay> fixture;
  auto& store = fixture.store;
  auto const tar = stores::tar_of({{"large", large}});
  auto layer = store.layers().import(memory_source(tar), {.id = "layer"});
  make_composefs(fixture.graph() / "overlay/layer");
  CHECK(check(store).clean());
  CHECK(stores::code_of([&] { static_cast<void>(layer.mount()); }) == Errc::unsupported);
  CHECK(stores::code_of([&] { layer.apply(memory_source(tar)); }) == Errc::unsupported);
  CHECK(stores::code_of([&] {
          auto staged = store.layers().stage();
          staged.fill(memory_source(tar));
          staged.replace("layer");
        }) == Errc::unsupported);
  CHECK(stores::diff_of(layer) == tar);
  store.layers().import(memory_source(tar), {.id = "plain"});
  auto const stored = fixture.graph() / "overlay/layer";
  // An image that is none, and contents that are lost, are errors, not other contents.
  auto const data = *fs::recursive_directory_iterator(stored / "diff");
  fs::rename(data.path(), stored / "diff/elsewhere");
  CHECK(stores::code_of([&] { stores::diff_of(layer); }) == Errc::corrupt_tar_split);
  CHECK_FALSE(check(store).clean());
  fs::rename(stored / "diff/elsewhere", data.path());
  fs::ofstream(stored / "composefs-data/composefs.blob") << "no image";
  CHECK(stores::code_of([&] { static_cast<void>(layer.mount({.read_only = true})); }));
  CHECK(stores::code_of([&] { stores::diff_of(layer); }));
  store.layers().remove("layer");
  CHECK_FALSE(fs::exists(stored));
}

}  // namespace composefs_tests
