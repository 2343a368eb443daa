#include <strata/oci/copy_index.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/testing/sample_image.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include "oci/place.hpp"
#include <string>
#include <vector>

using oci_tools::error_of;
using oci_tools::Place;
using strata::Digest;
using strata::Errc;

namespace oci = strata::oci;
namespace testing = strata::testing;

namespace {

oci::Platform platform(std::string const& architecture) {
  return {.os = "linux", .architecture = architecture};
}

oci::Descriptor of_platform(oci::Descriptor described, std::string const& architecture) {
  described.platform = platform(architecture);
  return described;
}

/// An index "both" of two images in `place`.
oci::Index add_both(Place& place, oci::Format format = oci::Format::oci) {
  std::vector<oci::Descriptor> listed;
  for (std::string const architecture : {"amd64", "arm64"}) {
    auto const sample = testing::sample_image(architecture, 2, format);
    place.add(sample, architecture);
    listed.push_back(of_platform(sample.parsed().descriptor(), architecture));
  }
  auto index = oci::Index::make({.manifests = listed}, format);
  place.add("both", oci::RawManifest{.bytes = index.bytes(), .media_type = index.media_type()});
  return index;
}

void add(Place& place, std::string const& name, oci::Index const& index) {
  place.add(name, oci::RawManifest{.bytes = index.bytes(), .media_type = index.media_type()});
}

/// A layout that is filled and read.
struct Layout {
  testing::TempDir directory = {};
  oci::OciLayout layout{directory / "layout", strata::Flush::none};

  auto copy(Place const& from, oci::CopyOptions const& options, oci::IndexChoice const& choice = {}) {
    auto const copied = oci::copy_index(from, layout, options, choice);
    layout.finish();
    return copied;
  }
  /// All blobs of a manifest are there.
  bool has(oci::Descriptor const& described) {
    auto const raw = layout.manifest(described.digest.str());
    auto const manifest = oci::Manifest::parse(raw.bytes, raw.media_type);
    auto blobs = manifest.layers();
    blobs.push_back(manifest.config());
    return std::ranges::all_of(blobs, [&](auto const& blob) { return layout.has_blob(blob); });
  }
};

}  // namespace

TEST_CASE("an index is copied with all its images, byte for byte", "[oci]") {
  Place place;
  auto const both = add_both(place);
  auto const outer =
      oci::Index::make({.manifests = {both.descriptor(), both.manifests()[0]}, .annotations = {{"a", "b"}}});
  add(place, "outer", outer);
  Layout to;
  for (auto const& [name, index] : {std::pair("both", both), std::pair("outer", outer)}) {
    auto const copied = to.copy(place, {.reference = name, .name = name});
    CHECK(copied.digest == index.digest());
    CHECK(copied.images == 2);
    CHECK(to.layout.manifest(name).bytes == index.bytes());
  }
  for (auto const& image : both.manifests()) CHECK(to.has(image));
  for (auto const& [blob, reads] : place.reads)
    CHECK(reads == (place.blobs.at(blob).starts_with('{') ? 2 : 1));
}

TEST_CASE("what is no index is copied as an image", "[oci]") {
  Place const place(testing::sample_image("one"));
  Layout to;
  auto const copied = to.copy(place, {.name = "one"});
  CHECK(copied.images == 1);
  CHECK(to.layout.manifest("one").bytes == place.manifest("").bytes);
}

TEST_CASE("an index is copied with its images for some platforms", "[oci]") {
  Place place;
  auto const both = add_both(place);
  add(place, "outer", oci::Index::make({.manifests = {both.descriptor()}}));
  for (std::string const name : {"both", "outer"}) {
    Layout to;
    CHECK(to.copy(place, {.reference = name, .name = name}, {.platforms = {platform("arm64")}}).images == 1);
    CHECK(to.layout.manifest(name).bytes == place.manifest(name).bytes);
    CHECK(to.has(both.manifests()[1]));
    CHECK(error_of([&] { to.layout.manifest(both.manifests()[0].digest.str()); }) == Errc::image_unknown);
  }
  Layout to;
  CHECK(error_of([&] { to.copy(place, {.reference = "both"}, {.platforms = {platform("s390x")}}); },
                 "linux/arm64") == Errc::platform_unknown);
}

TEST_CASE("an index over images that are compressed anew lists what they became", "[oci]") {
  Place place;
  auto const both = add_both(place);
  add(place, "outer", oci::Index::make({.manifests = {both.descriptor()}, .annotations = {{"a", "b"}}}));
  Layout to;
  auto const copied =
      to.copy(place, {.reference = "outer", .name = "new", .compression = strata::Compression::zstd});
  CHECK(copied.images == 2);
  auto const outer = oci::Index::parse(to.layout.manifest("new").bytes);
  CHECK(outer.digest() == copied.digest);
  CHECK(outer.annotations().at("a") == "b");
  auto const inner = oci::Index::parse(to.layout.manifest(outer.manifests().at(0).digest.str()).bytes);
  REQUIRE(inner.manifests().size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(inner.manifests()[i].platform == both.manifests()[i].platform);
    CHECK(inner.manifests()[i].digest != both.manifests()[i].digest);
    CHECK(to.has(inner.manifests()[i]));
  }
}

TEST_CASE("a list in Docker's format becomes an index in a layout", "[oci]") {
  Place place;
  add_both(place, oci::Format::docker);
  Layout to;
  to.copy(place, {.reference = "both", .name = "both"});
  auto const index = oci::Index::parse(to.layout.manifest("both").bytes);
  CHECK(index.media_type() == oci::media_type::oci_index);
  for (auto const& image : index.manifests()) {
    CHECK(image.media_type == oci::media_type::oci_manifest);
    CHECK(to.has(image));
  }
}

TEST_CASE("attestations in an index are copied as they are", "[oci]") {
  Place place;
  auto const both = add_both(place);
  std::string const statement = R"({"_type":"https://in-toto.io/Statement/v0.1"})";
  auto const digest = Digest::of(strata::as_bytes(statement));
  place.blobs[digest.str()] = statement;
  auto const config = oci::ImageConfig::make(
      {.platform = {.os = "unknown", .architecture = "unknown"}, .diff_ids = {digest}});
  place.blobs[config.digest().str()] = config.bytes();
  auto const attestation = oci::Manifest::make(
      {.config = config.descriptor(),
       .layers = {
           {.media_type = "application/vnd.in-toto+json", .digest = digest, .size = statement.size()}}});
  place.add("attestation",
            oci::RawManifest{.bytes = attestation.bytes(), .media_type = attestation.media_type()});
  auto listed = both.manifests();
  listed.push_back(attestation.descriptor());
  add(place, "all", oci::Index::make({.manifests = listed}));
  Layout to;
  CHECK(to.copy(place, {.reference = "all", .compression = strata::Compression::gzip}).images == 3);
  CHECK(to.has(attestation.descriptor()));
}

TEST_CASE("an index that lies or is too large is not listed by the destination", "[oci]") {
  Place place;
  auto const both = add_both(place);
  auto const refused = [&](oci::CopyOptions const& options, std::string const& part) {
    Layout to;
    auto const code = error_of([&] { to.copy(place, options); }, part);
    CHECK(!boost::filesystem::exists(to.directory / "layout" / "index.json"));
    return code;
  };
  SECTION("an image is missing") {
    place.manifests.erase(both.manifests()[1].digest.str());
    CHECK(refused({.reference = "both"}, both.manifests()[1].digest.str()) == Errc::image_unknown);
  }
  SECTION("a manifest is another one") {
    place.manifests[both.manifests()[1].digest.str()].bytes += ' ';
    CHECK(refused({.reference = "both"}, both.manifests()[1].digest.str()) == Errc::digest_mismatch);
  }
  SECTION("an index is in a circle: the second one has not the digest by which the first one lists it") {
    auto const first = oci::Index::make({.manifests = {both.descriptor()}});
    auto const second = oci::Index::make({.manifests = {first.descriptor()}});
    add(place, "first", first);
    place.manifests[both.digest().str()] = {.bytes = second.bytes(), .media_type = second.media_type()};
    CHECK(refused({.reference = "first"}, both.digest().str()) == Errc::digest_mismatch);
  }
  SECTION("indexes in indexes") {
    auto index = both;
    for (int i = 0; i < 5; ++i)
      add(place, "deep", index = oci::Index::make({.manifests = {index.descriptor()}}));
    CHECK(refused({.reference = "deep"}, "too many indexes") == Errc::over_budget);
  }
  SECTION("ten thousand images") {
    std::vector<oci::Descriptor> listed;
    for (int i = 0; i < 10'000; ++i) {
      auto const manifest =
          oci::Manifest::make({.config = {.media_type = std::string(oci::media_type::oci_empty),
                                          .digest = Digest::of(strata::as_bytes("{}")),
                                          .size = 2,
                                          .data = "{}"},
                               .annotations = {{"number", std::to_string(i)}}});
      place.add("many", oci::RawManifest{.bytes = manifest.bytes(), .media_type = manifest.media_type()});
      listed.push_back(manifest.descriptor());
    }
    add(place, "many", oci::Index::make({.manifests = listed}));
    CHECK(refused({.reference = "many"}, "more than 4096") == Errc::over_budget);
    listed.assign(10'000, listed.front());
    add(place, "many", oci::Index::make({.manifests = listed}));
    Layout to;
    CHECK(to.copy(place, {.reference = "many"}).images == 1);
  }
  SECTION("a damaged layer") {
    auto const layer = testing::sample_image("arm64").parsed().layers()[0].digest.str();
    place.blobs[layer][600] ^= 1;
    CHECK(refused({.reference = "both"}, layer) == Errc::digest_mismatch);
  }
}

TEST_CASE("an archive that has no place for an index says so", "[oci]") {
  Place place;
  add_both(place);
  testing::TempDir const directory;
  oci::DockerArchiveWriter archive(directory / "archive", {.flush = strata::Flush::none});
  CHECK(error_of([&] { oci::copy_index(place, archive, {.reference = "both"}); }, "docker-archive") ==
        Errc::unsupported);
}
