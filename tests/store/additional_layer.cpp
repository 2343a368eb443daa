#include <strata/fs.hpp>
#include <strata/store/additional_layer.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::ids;

namespace {

std::string const digest = "sha256:" + std::string(64, 'a');

/// A layer as an additional layer store shows it.
void lay_out(fs::path const& directory) {
  fs::create_directories(directory / "diff/etc");
  fs::ofstream(directory / "diff/etc/file") << "from the other program";
  fs::ofstream(directory / "info") << R"({"id":"x","compressed-diff-digest":"sha256:)" << std::string(64, 'b')
                                   << R"(","diff-digest":")" << digest
                                   << R"(","diff-size":10240,"compression":2})";
  fs::ofstream(directory / "blob") << "the blob";
}

struct LayerStoreFixture {
  testing::TempDir directory;
  fs::path others = directory.path() / "others";
  stores::Overlay::Options options(std::string const& suffix = "") const {
    return {.graph_root = directory.path() / "graph",
            .run_root = directory.path() / "run",
            .driver = drivers::overlay::Options::parse(
                {"overlay.additionallayerstore=" + others.native() + suffix})};
  }
  LayerStoreFixture() { fs::create_directory(others); }
};

}  // namespace

TEST_CASE("an additional layer of another program becomes a layer that refers to its files",
          "[store][additional_layer][overlay]") {
  if (::geteuid() != 0) return;
  LayerStoreFixture const fixture;
  lay_out(fixture.others / digest);
  stores::Overlay store(fixture.options());
  CHECK_FALSE(store.layers().find_additional("sha256:" + std::string(64, 'c')));
  CHECK(code_of([&] { static_cast<void>(store.layers().find_additional("../" + digest)); }) ==
        Errc::digest_invalid_format);
  auto found = store.layers().find_additional(digest, "docker.io/x:1");
  REQUIRE(found);
  CHECK(found->record().diff_size == 10240);
  auto blob = found->blob();
  CHECK(blob.next().size() == 8);

  auto const base = store.layers().create({.id = "base"});
  auto const layer = found->put({.id = "layer", .names = {"name"}, .parent = "base"});
  CHECK(layer.record().diff_digest == digest);
  CHECK(layer.record().compression == 2);
  CHECK(layer.record().parent == "base");
  CHECK(layer.names() == names::List{"name"});
  auto const own = fixture.directory.path() / "graph/overlay/layer";
  CHECK(fs::read_symlink(own / "diff") == fixture.others / digest / "diff");
  CHECK(sys::read_file(own / "additionallayer") == (fixture.others / digest).native());
  CHECK(code_of([&] { found->put({.id = "layer"}); }) == Errc::duplicate_id);

  store.images().create({.id = "image", .top_layer = "layer"});
  auto const box = store.containers().create("image", {.id = "box"});
  {
    auto const root = box.mount();
    CHECK(sys::read_file(root.path() / "etc/file") == "from the other program");
    fs::ofstream(root.path() / "etc/file") << "changed";
  }
  CHECK(sys::read_file(fixture.others / digest / "diff/etc/file") == "from the other program");
  CHECK(layer.changes().size() == 2);

  store.containers().remove("box");
  CHECK(store.images().remove("image").size() == 2);
  CHECK(store.layers().list().empty());
  CHECK(fs::exists(fixture.others / digest / "diff/etc/file"));
  CHECK_FALSE(fs::exists(fixture.others / digest / "use"));
  store.shutdown({.force = true});
}

TEST_CASE("names, parent and flags that another program records of an additional layer are not adopted",
          "[store][additional_layer][overlay]") {
  if (::geteuid() != 0) return;
  LayerStoreFixture const fixture;
  lay_out(fixture.others / digest);
  fs::ofstream(fixture.others / digest / "info")
      << R"({"id":"x","names":["taken"],"parent":"gone","diff-digest":")" << digest
      << R"(","diff-size":10240,"flags":{"incomplete":true},"big-data-names":["none"],"new":1})";
  {
    stores::Overlay store(fixture.options());
    store.layers().create({.id = "other", .names = {"taken"}});
    store.layers().find_additional(digest)->put({.id = "layer"});
  }
  stores::Overlay store(fixture.options());  // removes what is not complete
  auto const layer = store.layers().get("layer");
  CHECK(layer.record().diff_digest == digest);
  CHECK(layer.record().parent.empty());
  CHECK(layer.names().empty());
  CHECK(layer.record().big_data_names.empty());
  CHECK(layer.record().flags.empty());
  store.shutdown({.force = true});
}

TEST_CASE("an additional layer store that needs the image reference gets it",
          "[store][additional_layer][overlay]") {
  if (::geteuid() != 0) return;
  LayerStoreFixture const fixture;
  lay_out(fixture.others / "ZG9ja2VyLmlvL3g6MQ==" / digest);
  stores::Overlay store(fixture.options(":ref"));
  CHECK_FALSE(store.layers().find_additional(digest));
  CHECK(store.layers().find_additional(digest, "docker.io/x:1"));
  fs::remove(fixture.others / "ZG9ja2VyLmlvL3g6MQ==" / digest / "info");
  CHECK_FALSE(store.layers().find_additional(digest, "docker.io/x:1"));
  store.shutdown({.force = true});
}

TEST_CASE("an additional layer store is notified when a layer is no longer used",
          "[store][additional_layer]") {
  testing::TempDir directory;
  auto const place = directory.path() / "layer";
  fs::create_directory(place);
  { AdditionalTree const tree(place); }
  CHECK_FALSE(fs::exists(place));  // a real one answers to the rmdir, and removes nothing
}

TEST_CASE("options of additional layer stores are parsed", "[drivers][overlay][additional_layer]") {
  using drivers::overlay::LayerStore;
  CHECK_FALSE(LayerStore::parse("/tmp").with_reference);
  CHECK(LayerStore::parse("/tmp/.:ref").with_reference);
  for (auto const* wrong : {"relative", "/nowhere/at/all", "/tmp:other", "/tmp:ref:ref"}) {
    INFO(wrong);
    CHECK(code_of([&] { LayerStore::parse(wrong); }) == Errc::driver_option);
  }
}
