#include <strata/fs.hpp>
#include <strata/maintenance/reconstruct.hpp>

#include <catch2/catch.hpp>

#include "maintenance/damages.hpp"
#include "store/stores.hpp"
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace strata;

namespace reconstruct_tests {  // several files of tests are compiled as one
namespace {

using damages::hex;
using Core = stores::Vfs::Core;
using Strings = std::vector<std::string>;

/// The configuration of an image of these layers.
std::string configuration(Strings const& diff_digests) {
  std::string text = R"({"os":"linux","rootfs":{"type":"layers","diff_ids":[)";
  for (auto const& digest : diff_digests) text += '"' + digest + "\",";
  if (!diff_digests.empty()) text.pop_back();
  return text + "]}}";
}

}  // namespace

TEST_CASE("a layer's parent follows from its id", "[maintenance][reconstruct]") {
  auto const digest = "sha256:" + hex("tar");
  CHECK(detail::parent_by_id(hex("tar"), digest, {"a"}) == "");
  CHECK(detail::parent_by_id(hex("b+" + hex("tar")), digest, {"a", "b"}) == "b");
  CHECK(detail::parent_by_id(hex("b+" + hex("tar")), digest, {"a", "c"}) == std::nullopt);
  CHECK(detail::parent_by_id(hex("b+" + hex("other")), digest, {"a", "b"}) == std::nullopt);
  CHECK(detail::parent_by_id("base", digest, {}) == std::nullopt);
  CHECK(detail::parent_by_id("base", "", {"a"}) == std::nullopt);
}

TEST_CASE("stored keys are those of regular files that a key could have made", "[maintenance][reconstruct]") {
  testing::TempDir const dir;
  for (auto const* name : {"plain", "=Rm9v", ".tmp-plain1", "=not base64", "Two Words"})
    damages::write(dir / name, "text");
  fs::create_directory(dir / "directory");
  fs::create_symlink("missing", dir / "dangling");
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(detail::stored_keys(dir.path()) == Strings{"Foo", "plain"});
  CHECK(detail::stored_keys(dir / "missing").empty());
}

TEST_CASE("an imported layer's record is read from its files", "[maintenance][reconstruct]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& core = fixture.store.core();
  auto const tar = stores::tar_of({{"file", "text"}});
  auto const id = hex("parent+" + hex(tar));
  fixture.store.layers().create({.id = "parent"});
  auto layer = fixture.store.layers().import(memory_source(tar), {.id = id, .parent = "parent"});
  layer.big_data().set("key", "value");
  auto const record = detail::reconstructed_layer(core, layer.id(), {"other", "parent"}, {});
  CHECK(record.id == id);
  CHECK(record.parent == "parent");
  CHECK(record.diff_digest == "sha256:" + hex(tar));
  CHECK(record.diff_size == static_cast<std::int64_t>(tar.size()));
  CHECK(record.uidset == std::vector<std::uint32_t>{0});
  CHECK(record.big_data_names == Strings{"key"});
  CHECK(detail::reconstructed_layer(core, layer.id(), {"other"}, {}).parent.empty());
}

TEST_CASE("a layer that was not imported, or is not what was, has no digest", "[maintenance][reconstruct]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& core = fixture.store.core();
  auto const made = fixture.store.layers().create({.id = "made"});
  CHECK(detail::reconstructed_layer(core, made.id(), {}, {}).diff_digest.empty());
  auto const layer =
      fixture.store.layers().import(memory_source(stores::tar_of({{"file", "text"}})), {.id = "layer"});
  damages::write(fixture.graph() / "vfs/dir/layer/file", "TEXT");
  auto const record = detail::reconstructed_layer(core, layer.id(), {}, {});
  CHECK(record.id == "layer");
  CHECK(record.diff_digest.empty());
}

TEST_CASE("the driver knows the parent of an overlay layer", "[maintenance][reconstruct]") {
  if (::geteuid() != 0) return;
  stores::Fixture<stores::Overlay> fixture;
  fixture.store.layers().create({.id = "below"});
  auto const layer = fixture.store.layers().create({.id = "layer", .parent = "below"});
  CHECK(detail::reconstructed_layer(fixture.store.core(), layer.id(), {}, {}).parent == "below");
}

TEST_CASE("an image's top layer follows from its configuration, layer by layer",
          "[maintenance][reconstruct]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& core = fixture.store.core();
  auto image = fixture.store.images().create({.id = "image"});
  image.big_data().set("manifest", R"({"schemaVersion":2})");
  std::vector<LayerRecord> layers(3);
  layers[0].id = "stranger";
  layers[0].diff_digest = "sha256:2";
  layers[1].id = "base";
  layers[1].diff_digest = "sha256:1";
  layers[2].id = "top";
  layers[2].parent = "base";
  layers[2].diff_digest = "sha256:2";
  auto const found = [&] { return detail::reconstructed_image(core, "image", layers); };
  CHECK_FALSE(found());  // no configuration
  image.big_data().set("config", configuration({"sha256:1", "sha256:2"}));
  auto const record = found();
  REQUIRE(record);
  CHECK(record->id == "image");
  CHECK(record->top_layer == "top");
  CHECK(record->digest == Digest::of(as_bytes(R"({"schemaVersion":2})")).str());
  CHECK(record->big_data_names == Strings{"config", "manifest"});
  CHECK(record->big_data_sizes.at("manifest") == 19);
  image.big_data().set("config", configuration({"sha256:1", "sha256:3"}));
  CHECK_FALSE(found());
  image.big_data().set("config", configuration({}));
  CHECK_FALSE(found());
  image.big_data().set("config", "{");
  CHECK_FALSE(found());
  image.big_data().set("config", configuration({"sha256:1", "sha256:2"}));
  layers[2].uidmap = {{0, 1000, 10}};  // an id-mapped copy
  CHECK_FALSE(found());
}

TEST_CASE("a container's layer is the one that its configuration names and nothing else uses",
          "[maintenance][reconstruct]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& core = fixture.store.core();
  fixture.store.containers().create("", {.id = "box"}).big_data().set("key", "value");
  std::vector<LayerRecord> layers(3);
  layers[0].id = "base-of-an-image";
  layers[1].id = "layer-of-the-box";
  layers[1].parent = layers[0].id;
  layers[2].id = "short";
  std::vector<ImageRecord> images(1);
  images[0].id = "image";
  images[0].top_layer = layers[0].id;
  std::vector<ContainerRecord> others;
  auto const found = [&] { return detail::reconstructed_container(core, "box", layers, images, others); };
  CHECK_FALSE(found());  // no configuration
  auto const config = fixture.graph() / "vfs-containers/box/userdata/config.json";
  fs::create_directories(config.parent_path());
  damages::write(config, R"({"root":{"path":"/graph/vfs/dir/short"}})");
  CHECK_FALSE(found());
  damages::write(config, R"({"root":{"path":"/graph/vfs/dir/base-of-an-image"}})");
  CHECK_FALSE(found());  // another layer stands on it
  damages::write(config, R"({"root":{"path":"/graph/vfs/dir/layer-of-the-box"}})");
  auto const record = found();
  REQUIRE(record);
  CHECK(record->id == "box");
  CHECK(record->layer == "layer-of-the-box");
  CHECK(record->image == "image");
  CHECK(record->big_data_names == Strings{"key"});
  others.resize(1);
  others[0].id = "other";
  others[0].layer = "layer-of-the-box";
  CHECK_FALSE(found());
}

}  // namespace reconstruct_tests
