#include <strata/codec/gzip.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/incoming_image.hpp>
#include <strata/testing/sample_image.hpp>

#include "store/stores.hpp"
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <utility>
#include <vector>

using namespace strata;
using namespace strata::oci;
using testing::sample_image;
using testing::SampleImage;

namespace incoming_tests {

using IncomingStore = stores::Vfs;

struct PackedLayer {
  std::string plain;
  std::string packed = {};

  explicit PackedLayer(std::string const& file) : plain(testing::sample_layer(file, file)) {
    auto encoder = codec::Gzip::compress(string_sink(packed));
    encoder->write(as_bytes(plain));
    encoder->finish();
  }
  Digest diff_id() const { return Digest::of(as_bytes(plain)); }
  Descriptor blob() const {
    return {.media_type = std::string(media_type::oci_layer_gzip),
            .digest = Digest::of(as_bytes(packed)),
            .size = packed.size()};
  }
};

ImagePlan plan_of(std::vector<PackedLayer> const& layers) {
  ImageConfigParts config{.platform = {.os = "linux", .architecture = "amd64"}};
  std::vector<Descriptor> blobs;
  for (auto const& layer : layers) {
    config.diff_ids.push_back(layer.diff_id());
    blobs.push_back(layer.blob());
  }
  auto made = ImageConfig::make(config);
  auto manifest = Manifest::make({.config = made.descriptor(), .layers = blobs});
  return oci::detail::plan(std::move(manifest), std::move(made), std::nullopt);
}

/// @return how many layers were brought
std::size_t add(IncomingStore& store, std::vector<PackedLayer> const& layers, ImagePlan plan,
                std::string const& name = "") {
  std::size_t brought = 0;
  auto image = ImagesOf(store).begin(std::move(plan));
  for (auto const& layer : layers)
    if (!image.take_layer()) {
      image.put_layer(memory_source(layer.packed));
      ++brought;
    }
  image.finish(name);
  return brought;
}
std::size_t add(IncomingStore& store, std::vector<PackedLayer> const& layers, std::string const& name = "") {
  return add(store, layers, plan_of(layers), name);
}

}  // namespace incoming_tests

using namespace incoming_tests;

TEST_CASE("an image that an index led to has the digest of the index", "[oci]") {
  stores::Fixture<IncomingStore> fixture;
  std::vector<PackedLayer> const layers{PackedLayer("a")};
  auto plan = plan_of(layers);
  auto listed = plan.manifest.descriptor();
  listed.platform = Platform{.os = "linux", .architecture = "amd64"};
  auto const index = oci::Index::make({.manifests = {listed}});
  auto const manifest = plan.manifest.digest();
  plan.index = index;
  add(fixture.store, layers, std::move(plan), "a");
  auto const image = fixture.store.images().get("a");
  CHECK(image.record().digest == index.digest().str());
  CHECK(fixture.store.images().by_digest(index.digest()).size() == 1);
  CHECK(fixture.store.images().by_digest(manifest).size() == 1);
}

TEST_CASE("a layer that is unpacked once more keeps the digest of its blob", "[oci]") {
  stores::Fixture<IncomingStore> fixture;
  auto& store = fixture.store;
  PackedLayer const a("a");
  PackedLayer const b("b");
  CHECK(add(store, {a, b}) == 2);
  CHECK(add(store, {b, a}, "ba") == 0);
  auto const top = store.images().get("ba").top_layer();
  CHECK(top->record().diff_digest == a.diff_id().str());
  CHECK(top->record().compressed_diff_digest == a.blob().digest.str());
  CHECK(top->parent()->record().compressed_diff_digest == b.blob().digest.str());
  CHECK(top->record().compressed_size == static_cast<std::int64_t>(a.plain.size()));  // that of what was read
  CHECK(top->record().compression == 0);
}

TEST_CASE("what a manifest says of a blob that nobody read is not believed", "[oci]") {
  stores::Fixture<IncomingStore> fixture;
  auto& store = fixture.store;
  PackedLayer const a("a");
  PackedLayer const b("b");
  PackedLayer other = b;
  other.packed = "not the layer";
  CHECK(add(store, {a, b}) == 2);
  CHECK(add(store, {other}, "b") == 0);
  CHECK(store.images().get("b").top_layer()->record().compressed_diff_digest == b.diff_id().str());
}

TEST_CASE("an image whose name cannot be written leaves nothing behind", "[oci]") {
  stores::Fixture<IncomingStore> fixture;
  auto& store = fixture.store;
  auto const before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  rlimit limited = unlimited;
  limited.rlim_cur = 512U << 10U;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  auto const code = stores::code_of([&] {
    add(store, {PackedLayer("a"), PackedLayer("b")}, std::string(1U << 20U, 'x'));
  });
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, before);
  CHECK(code == std::errc::file_too_large);
  CHECK(store.images().list().empty());
  CHECK(store.layers().list().empty());
}

TEST_CASE("an image of a read-only store is added to the store above it", "[oci]") {
  stores::Fixture<IncomingStore> below;
  PackedLayer const a("a");
  add(below.store, {a}, "below");
  stores::Fixture<IncomingStore> above;
  auto options = above.options();
  options.image_stores = {below.graph()};
  IncomingStore store(options);
  CHECK(add(store, {a}, "above") == 0);
  auto const image = store.images().get("above");
  CHECK_FALSE(image.read_only());
  CHECK(image.top_layer()->read_only());
  CHECK(image.id() == store.images().get("below").id());
}

TEST_CASE("an image without a manifest of that name is found by its digest", "[oci]") {
  stores::Fixture<IncomingStore> fixture;
  std::string const manifest = "{}";
  auto const digest = Digest::of(as_bytes(manifest));
  fixture.store.images().create({.digest = digest.str(), .big_data = {{"manifest", manifest}}});
  CHECK(ImagesOf(fixture.store).manifest(digest.str()).bytes == manifest);
}
