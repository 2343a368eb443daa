#include <strata/bodies.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/testing/sample_image.hpp>

#include <boost/filesystem/fstream.hpp>

#include "oci/oci_tools.hpp"
#include "oci/place.hpp"
#include "store/stores.hpp"
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace strata;
using namespace strata::oci;
using oci_tools::error_of;
using oci_tools::Place;
using testing::sample_image;
using testing::SampleImage;

namespace copy_tests {

/// As over a network.
struct Remote : Place {
  using Place::Place;
  static constexpr bool is_remote = true;
  std::mutex mutable mutex = {};
  std::thread::id reader = std::this_thread::get_id();
  int mutable elsewhere = 0;  // blobs that another thread opened
  Source blob(Descriptor const& blob) const {
    std::unique_lock const lock(mutex);
    if (std::this_thread::get_id() != reader) ++elsewhere;
    return Place::blob(blob);
  }
};

std::string packed(std::string const& plain) {
  std::string out;
  auto encoder = codec::Gzip::compress(string_sink(out));
  encoder->write(as_bytes(plain));
  encoder->finish();
  return out;
}

/// An image with the layers given, none of them checked.
SampleImage image_of(std::vector<Descriptor> const& blobs, std::vector<Digest> const& diff_ids) {
  auto const config =
      ImageConfig::make({.platform = {.os = "linux", .architecture = "amd64"}, .diff_ids = diff_ids});
  auto const manifest = Manifest::make({.config = config.descriptor(), .layers = blobs});
  return {.config = config.bytes(),
          .manifest = {.bytes = manifest.bytes(), .media_type = manifest.media_type()}};
}

/// The same image with its layers compressed.
Place compressed(SampleImage const& image) {
  Place place;
  std::vector<Descriptor> blobs;
  std::vector<Digest> diff_ids;
  for (auto const& layer : image.layers) {
    auto const bytes = packed(layer);
    blobs.push_back({.media_type = std::string(media_type::oci_layer_gzip),
                     .digest = Digest::of(as_bytes(bytes)),
                     .size = bytes.size()});
    diff_ids.push_back(Digest::of(as_bytes(layer)));
    place.blobs[blobs.back().digest.str()] = bytes;
  }
  auto const made = image_of(blobs, diff_ids);
  place.manifests[""] = made.manifest;
  place.blobs[made.parsed().config().digest.str()] = made.config;
  return place;
}

template <class Store>
bool is_empty(Store const& store) {
  return store.layers().list().empty() && store.images().list().empty();
}

}  // namespace copy_tests

using namespace copy_tests;

TEMPLATE_TEST_CASE("an image that is copied into a store is as Podman would have written it", "[oci]",
                   stores::Vfs, stores::Journal) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  ImagesOf images(store);
  auto const sample = sample_image("a", 3);
  auto const plan = sample.parsed();
  Place const place = compressed(sample);
  auto const copied = copy_image(place, images, {.name = "localhost/a:1"});

  auto const image = store.images().get("localhost/a:1");
  CHECK(image.id().str() == copied.config.hex());
  auto const manifest = place.manifest("").bytes;
  CHECK(copied.manifest == Digest::of(as_bytes(manifest)));
  CHECK(image.record().digest == copied.manifest.str());
  CHECK(image.big_data().names() == names::List{copied.config.str(), "manifest-" + copied.manifest.str(),
                                                "manifest",
                                                "signature-" + std::string(copied.manifest.hex())});
  CHECK(image.big_data().get("manifest") == manifest);
  CHECK(image.metadata() == "{\"signatures-sizes\":{\"" + copied.manifest.str() + "\":[]}}");

  auto layer = image.top_layer();
  for (std::size_t i = sample.layers.size(); i-- > 0; layer = layer->parent()) {
    REQUIRE(layer);
    CHECK(testing::read_all(layer->diff_source({.compression = Compression::none})) == sample.layers[i]);
    CHECK(layer->record().compressed_diff_digest == Digest::of(as_bytes(packed(sample.layers[i]))).str());
  }
  CHECK(!layer);
  auto const first = Digest::of(as_bytes(sample.layers[0]));
  auto const second = Digest::of(as_bytes(sample.layers[1]));
  CHECK(podman_layer_ids({first, second}) ==
        std::vector{
            std::string(first.hex()),
            std::string(
                Digest::of(as_bytes(std::string(first.hex()) + '+' + std::string(second.hex()))).hex())});
  CHECK(store.layers().exists(Ref::exactly(podman_layer_ids({first, second}).back())));
}

TEMPLATE_TEST_CASE("what a store has is not read again", "[oci]", stores::Vfs, stores::Journal) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  ImagesOf images(store);
  auto const sample = sample_image("a", 2);
  Place const place(sample);
  copy_image(place, images, {.name = "one"});
  auto const reads = place.reads;
  auto const layers = stores::ids(store.layers().list());
  std::vector<bool> known;
  copy_image(place, images,
             {.name = "two", .progress = [&](CopyProgress const& now) { known.push_back(now.known); }});
  CHECK(known == std::vector{true, true});
  CHECK(stores::ids(store.layers().list()) == layers);
  CHECK(store.images().get("two").id() == store.images().get("one").id());
  for (auto const& layer : sample.layers)
    CHECK(place.reads[Digest::of(as_bytes(layer)).str()] == reads.at(Digest::of(as_bytes(layer)).str()));

  SECTION("the same changes over another parent come from the layer that has them") {
    auto const bare = image_of({sample.blobs()[2]}, {sample.blobs()[2].digest});
    Place const other(bare);  // has no layer
    copy_image(other, images, {.name = "three"});
    auto const image = store.images().get("three");
    REQUIRE(image.top_layer());
    CHECK(!image.top_layer()->parent());
    CHECK(testing::read_all(image.top_layer()->diff_source({.compression = Compression::none})) ==
          sample.layers[1]);
    CHECK(other.reads.size() == 1);  // its configuration
  }
  SECTION("a name is taken from the image that has it") {
    Place const other(sample_image("b", 1));
    copy_image(other, images, {.name = "one"});
    CHECK(store.images().get("two").names() == names::List{"two"});
    CHECK(store.images().get("one").id() != store.images().get("two").id());
  }
}

TEMPLATE_TEST_CASE("an image goes through a layout and an archive and comes back", "[oci]", stores::Vfs,
                   stores::Journal) {
  testing::TempDir scratch;
  auto const sample = sample_image("a", 3, GENERATE(Format::oci, Format::docker));
  stores::Fixture<TestType> first;
  ImagesOf images(first.store);
  Place const place(sample);
  auto const copied = copy_image(place, images, {.name = "localhost/a:1"});

  OciLayout layout(scratch.path() / "layout");
  copy_image(images, layout, {.reference = "localhost/a:1", .name = "v1", .scratch = scratch.path()});
  layout.finish();
  auto const manifest = Manifest::parse(layout.manifest("v1").bytes);
  CHECK(manifest.format() == Format::oci);
  CHECK(manifest.config().digest == copied.config);
  CHECK(manifest.layers().front().media_type == media_type::oci_layer_gzip);

  DockerArchiveWriter archive(scratch.path() / "archive.tar");
  copy_image(layout, archive, {.reference = "v1", .name = "localhost/a:1", .scratch = scratch.path()});
  archive.finish();

  stores::Fixture<TestType> second;
  ImagesOf back(second.store);
  DockerArchive const from(scratch.path() / "archive.tar");
  CHECK(copy_image(from, back, {.name = "x"}).config == copied.config);
  CHECK(stores::ids(second.store.layers().list()) == stores::ids(first.store.layers().list()));
}

TEMPLATE_TEST_CASE("a source that lies leaves a store as it was", "[oci]", stores::Vfs, stores::Journal) {
  stores::Fixture<TestType> fixture;
  auto& store = fixture.store;
  ImagesOf images(store);
  auto const sample = sample_image("a", 3);
  Place place(sample);
  auto const blobs = sample.blobs();
  auto& second = place.blobs[blobs[2].digest.str()];
  auto const copy = [&] { copy_image(place, images, {.name = "x"}); };

  SECTION("a layer has other bytes") { second[600] ^= 1; }
  SECTION("a layer is shorter") { second.resize(second.size() - 512); }
  SECTION("a layer is longer") { second += std::string(512, '\0'); }
  SECTION("a layer is empty") { second.clear(); }
  SECTION("the configuration has other bytes") { place.blobs[blobs[0].digest.str()][5] ^= 1; }
  CHECK(error_of(copy, "sha256:") == Errc::digest_mismatch);
  CHECK(is_empty(store));
}

TEST_CASE("documents that contradict each other are refused", "[oci]") {
  stores::Fixture<stores::Journal> fixture;
  ImagesOf images(fixture.store);
  auto const sample = sample_image("a", 2);
  auto const blobs = sample.blobs();
  auto const copy = [&](SampleImage const& image) {
    Place place(sample);
    place.manifests[""] = image.manifest;
    place.blobs[image.parsed().config().digest.str()] = image.config;
    copy_image(place, images);
  };
  CHECK(error_of(
            [&] {
              copy(image_of({blobs[1]}, {blobs[1].digest, blobs[2].digest}));
            },
            "1 layers, its configuration has 2") == Errc::corrupt_document);
  // the layer unpacks to something else
  CHECK(error_of(
            [&] {
              copy(image_of({blobs[1], blobs[2]}, {blobs[1].digest, blobs[1].digest}));
            },
            blobs[2].digest.str()) == Errc::digest_mismatch);
  CHECK(is_empty(fixture.store));
  // a configuration in the manifest whose digest says another
  auto descriptor = sample.parsed().config();
  descriptor.digest = Digest::parse("sha512:" + std::string(128, '0'));
  descriptor.data = sample.config;
  auto const embedded = Manifest::make({.config = descriptor, .layers = sample.parsed().layers()});
  Place place(sample);
  place.manifests[""] = {.bytes = embedded.bytes(), .media_type = embedded.media_type()};
  CHECK(error_of([&] { copy_image(place, images); }, "sha512:") == Errc::digest_mismatch);
  CHECK(is_empty(fixture.store));
  copy(image_of({}, {}));  // an image without layers is none to refuse
  CHECK(fixture.store.images().list().size() == 1);
}

TEST_CASE("a layer that unpacks to something else reaches no layout", "[oci]") {
  testing::TempDir scratch;
  auto const sample = sample_image("a", 1);
  auto const other = sample_image("b", 1);
  auto const lie = image_of({sample.blobs()[1]}, {other.blobs()[1].digest});
  Place place(sample);
  place.manifests[""] = lie.manifest;
  place.blobs[lie.parsed().config().digest.str()] = lie.config;
  OciLayout layout(scratch.path() / "layout");
  CHECK(error_of([&] { copy_image(place, layout, {.name = "v1"}); }, other.blobs()[1].digest.str()) ==
        Errc::digest_mismatch);
  CHECK(error_of([&] {
          copy_image(place, layout,
                     {.name = "v1", .compression = Compression::zstd, .scratch = scratch.path()});
        }) == Errc::digest_mismatch);
  CHECK(!layout.has_blob(sample.blobs()[1]));
}

TEST_CASE("layers that are plain are called so, whatever a docker-archive says of them", "[oci]") {
  testing::TempDir scratch;
  auto const sample = sample_image("a", 2, Format::docker);
  Place const place(sample);
  DockerArchiveWriter archive(scratch.path() / "one.tar");
  copy_image(place, archive, {.name = "localhost/a:1"});
  archive.finish();
  DockerArchive const from(scratch.path() / "one.tar");

  OciLayout layout(scratch.path() / "layout");
  copy_image(from, layout, {.name = "v1"});
  layout.finish();
  auto const manifest = Manifest::parse(layout.manifest("v1").bytes);
  for (std::size_t i = 0; i < sample.layers.size(); ++i) {
    CHECK(manifest.layers()[i].media_type == media_type::oci_layer);
    CHECK(testing::read_all(layout.blob(manifest.layers()[i])) == sample.layers[i]);
  }

  DockerArchiveWriter again(scratch.path() / "two.tar");
  copy_image(from, again, {.name = "localhost/a:1", .scratch = "/nowhere/at/all"});  // nothing is repacked
  again.finish();
}

TEST_CASE("an index is followed to the image for a platform", "[oci]") {
  stores::Fixture<stores::Journal> fixture;
  ImagesOf images(fixture.store);
  Place place;
  std::vector<Descriptor> listed;
  for (std::string const architecture : {"amd64", "arm64"}) {
    auto const sample = sample_image(architecture, 1);
    place.add(sample, architecture);
    auto descriptor = sample.parsed().descriptor();
    descriptor.platform = Platform{.os = "linux", .architecture = architecture};
    listed.push_back(std::move(descriptor));
  }
  auto const inner = oci::Index::make({.manifests = listed});
  auto described = inner.descriptor();
  auto const add = [&](std::string const& name, oci::Index const& index) {
    place.manifests[name] =
        place.manifests[index.digest().str()] = {.bytes = index.bytes(), .media_type = index.media_type()};
  };
  add("inner", inner);
  add("outer", oci::Index::make({.manifests = {described}}));

  auto const arm = Platform::parse("linux/arm64");
  for (std::string const reference : {"inner", "outer"}) {
    auto const copied = copy_image(place, images, {.reference = reference, .platform = arm});
    CHECK(copied.manifest == Digest::of(as_bytes(place.manifest("arm64").bytes)));
    auto const image = fixture.store.images().get(Ref::exactly(std::string(copied.config.hex())));
    auto const index = Digest::of(as_bytes(place.manifest(reference).bytes));
    CHECK(image.big_data().get("manifest-" + index.str()) == place.manifest(reference).bytes);
  }
  CHECK(error_of(
            [&] {
              copy_image(place, images, {.reference = "inner", .platform = Platform::parse("linux/s390x")});
            },
            "linux/arm64") == Errc::platform_unknown);
  auto index = inner;
  for (int i = 0; i < 5; ++i) {
    index = oci::Index::make({.manifests = {index.descriptor()}});
    add("deep", index);
  }
  CHECK(error_of([&] { copy_image(place, images, {.reference = "deep", .platform = arm}); }) ==
        Errc::over_budget);
  place.manifests[listed[1].digest.str()].bytes += ' ';
  CHECK(error_of([&] { copy_image(place, images, {.reference = "inner", .platform = arm}); }) ==
        Errc::digest_mismatch);
}

TEST_CASE("a copy that is stopped leaves a store as it was", "[oci]") {
  stores::Fixture<stores::Vfs> fixture;
  ImagesOf images(fixture.store);
  Place const place(sample_image("a", 3, Format::oci, 4 << 20));
  std::stop_source stop;
  auto const progress = [&](CopyProgress const& now) {
    if (now.layer == 1) stop.request_stop();
  };
  CHECK(error_of([&] { copy_image(place, images, {.progress = progress, .stop = stop.get_token()}); }) ==
        Errc::stopped);
  CHECK(is_empty(fixture.store));
}

TEST_CASE("a copy into a place of blobs is told of, and stopped, within a layer", "[oci]") {
  testing::TempDir const dir;
  Place const place(sample_image("a", 2, Format::oci, 4 << 20));
  std::vector<std::pair<std::size_t, std::uint64_t>> ends;
  auto const note = [&](CopyProgress const& now) {
    if (now.progress.total_bytes && now.progress.bytes == *now.progress.total_bytes)
      ends.emplace_back(now.layer, now.progress.bytes);
  };
  OciLayout whole(dir.path() / "whole");
  copy_image(place, whole, {.progress = note});
  auto const size = place.blobs.at(sample_image("a", 2, Format::oci, 4 << 20).blobs()[1].digest.str()).size();
  CHECK(ends == std::vector<std::pair<std::size_t, std::uint64_t>>{{0, size}, {1, size}});
  /// Asks to stop when some of its second layer was read.
  struct Stopping : Place {
    using Place::Place;
    std::stop_source* stop = nullptr;
    Source blob(Descriptor const& blob) const {
      struct Chunks {
        std::string bytes;
        std::stop_source* stop;
        std::size_t at = 0;
        Bytes next() {
          if (at > 1'000'000) stop->request_stop();
          auto const part = as_bytes(std::string_view(bytes).substr(at, 100'000));
          at += part.size();
          return part;
        }
      };
      return Chunks{blobs.at(blob.digest.str()), stop};
    }
  };
  Stopping stopping(sample_image("b", 2, Format::oci, 4 << 20));
  std::stop_source stop;
  stopping.stop = &stop;
  OciLayout part(dir.path() / "part");
  CHECK(error_of([&] { copy_image(stopping, part, {.stop = stop.get_token()}); }) == Errc::stopped);
  CHECK_FALSE(fs::exists(dir.path() / "part/index.json"));
}

TEST_CASE("the layers of a remote image are brought ahead, and are the same", "[oci]") {
  auto const sample = sample_image("a", 5, Format::oci, 100'000);
  Remote const remote(sample);
  stores::Fixture<stores::Vfs> fixture;
  ImagesOf images(fixture.store);
  copy_image(remote, images, {.name = "one"});
  CHECK(remote.elsewhere == 4);
  CHECK(manifest_of(fixture.store.images().get("one")).bytes() == sample.manifest.bytes);
  for (auto const& blob : sample.blobs()) CHECK(remote.reads[blob.digest.str()] == 1);
  copy_image(remote, images, {.name = "two"});
  CHECK(remote.elsewhere == 4);  // all is known

  testing::TempDir const dir;
  OciLayout layout(dir.path() / "layout");
  copy_image(remote, layout, {.name = "one"});
  layout.finish();
  CHECK(remote.elsewhere == 8);
  CHECK(layout.manifest("one").bytes == sample.manifest.bytes);

  Remote lying(sample_image("b", 3));
  lying.blobs[sample_image("b", 3).blobs()[3].digest.str()].back() ^= 1;
  CHECK(error_of([&] { copy_image(lying, images, {.name = "three"}); }) == Errc::digest_mismatch);
  CHECK(fixture.store.images().list().size() == 1);
  CHECK(fixture.store.layers().list().size() == 5);
}

TEST_CASE("a damaged layer of the store is not what another image gets", "[oci]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  ImagesOf images(store);
  auto const sample = sample_image("a", 2);
  Place const whole(sample);
  copy_image(whole, images);
  for (auto const& layer : store.layers().list()) {
    auto const tree = fixture.graph() / "vfs/dir" / layer.id().str();
    boost::filesystem::ofstream(tree / "a1", std::ios::trunc) << "other";
  }
  auto const image = image_of({sample.blobs()[2]}, {sample.blobs()[2].digest});
  Place place(image);
  place.blobs[sample.blobs()[2].digest.str()] = sample.layers[1];
  copy_image(place, images, {.name = "again"});
  CHECK(place.reads[sample.blobs()[2].digest.str()] == 1);
  CHECK(testing::read_all(store.images().get("again").open("a1")).starts_with("a1x"));
}

TEST_CASE("a manifest becomes one of Docker's format if that is asked for, without what that cannot say",
          "[oci]") {
  testing::TempDir const dir;
  auto const sample = sample_image("a", 2);
  auto parts = sample.parsed().parts();
  parts.annotations["made"] = "here";
  parts.layers[0].annotations["first"] = "yes";
  auto const manifest = Manifest::make(parts);
  Place place(sample);
  place.manifests[""] = {.bytes = manifest.bytes(), .media_type = manifest.media_type()};
  auto const copied_as = [&](std::optional<Format> format) {
    Directory directory(dir.path() / "directory");
    copy_image(place, directory, {.format = format});
    directory.finish();
    auto const raw = directory.manifest("");
    return Manifest::parse(raw.bytes, raw.media_type);
  };
  CHECK(copied_as({}).bytes() == manifest.bytes());
  CHECK(copied_as(Format::oci).bytes() == manifest.bytes());
  auto const docker = copied_as(Format::docker);
  CHECK(docker.media_type() == media_type::docker_manifest);
  CHECK(docker.annotations().empty());
  CHECK(docker.config().digest == manifest.config().digest);
  CHECK(docker.config().media_type == media_type::docker_config);
  REQUIRE(docker.layers().size() == 2);
  CHECK(docker.layers()[0].digest == manifest.layers()[0].digest);
  CHECK(docker.layers()[0].annotations.empty());
}
