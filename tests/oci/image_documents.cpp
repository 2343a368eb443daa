#include <strata/bodies.hpp>
#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/image_documents.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>
#include <strata/testing/temp_dir.hpp>

#include "oci/oci_tools.hpp"
#include "store/stores.hpp"
#include <cstdint>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;
using oci_tools::error_of;
using testing::sample_image;

namespace {

/// Loads an image with the history given.
auto load(stores::Fixture<stores::Vfs>& fixture, std::size_t layers,
          std::vector<HistoryEntry> const& history) {
  testing::TempDir const dir;
  OciLayout layout(dir.path() / "layout");
  auto const sample = sample_image("a", layers);
  auto parts = ImageConfig::parse(sample.config).parts();
  parts.history = history;
  auto const config = ImageConfig::make(parts);
  auto manifest = sample.parsed().parts();
  manifest.config = config.descriptor();
  auto const made = Manifest::make(manifest);
  for (std::size_t i = 0; i < layers; ++i)
    layout.put_blob(manifest.layers[i], memory_source(sample.layers[i]));
  layout.put_blob(manifest.config, memory_source(config.bytes()));
  layout.put_manifest("", {.bytes = made.bytes(), .media_type = made.media_type()});
  layout.finish();
  ImagesOf images(fixture.store);
  auto const copied = copy_image(layout, images);
  return fixture.store.images().get(Ref::exactly(std::string(copied.config.hex())));
}

}  // namespace

TEST_CASE("an image says what it is and which layers it has", "[oci]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const image = load(fixture, 3, {});
  CHECK(config_of(image).digest().hex() == image.id().str());
  CHECK(manifest_of(image).digest().str() == image.record().digest);
  auto const layers = layers_of(image);
  REQUIRE(layers.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(layers[i].record().diff_digest == config_of(image).diff_ids()[i].str());
  CHECK(history_of(image).empty());
}

TEST_CASE("the steps of an image's history have the sizes of their layers", "[oci]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const size = static_cast<std::int64_t>(sample_image("a", 2).layers[0].size());
  auto const sizes = [](auto const& steps) {
    std::vector<std::int64_t> out;
    for (auto const& step : steps) out.push_back(step.size_bytes);
    return out;
  };
  HistoryEntry const step{.created_by = "run"};
  HistoryEntry const empty{.created_by = "env", .empty_layer = true};
  auto const steps = history_of(load(fixture, 2, {step, empty, step, empty}));
  CHECK(sizes(steps) == std::vector<std::int64_t>{size, 0, size, 0});
  CHECK(steps[1].entry.created_by == "env");
  // A history of another number of layers is told from its end.
  CHECK(sizes(history_of(load(fixture, 2, {step}))) == std::vector<std::int64_t>{size});
  CHECK(sizes(history_of(load(fixture, 1, {step, step}))) == std::vector<std::int64_t>{0, size});
}

TEST_CASE("an image that no program of images made has no documents, and another configuration is refused",
          "[oci]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const bare = fixture.store.images().create({.id = "bare"});
  CHECK(error_of([&] { config_of(bare); }) == Errc::data_unknown);
  CHECK(error_of([&] { manifest_of(bare); }) == Errc::data_unknown);
  auto image = load(fixture, 1, {});
  image.big_data().set(manifest_of(image).config().digest.str(), sample_image("other").config);
  CHECK(error_of([&] { config_of(image); }, image.id().str()) == Errc::digest_mismatch);
}
