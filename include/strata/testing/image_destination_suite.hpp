#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/sample_image.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <utility>

namespace strata::testing {

/// What a kind of place can hold, for `image_destination_suite`.
struct DestinationTraits {
  bool names = true;            ///< images have names, "one" and "two"
  bool indexes = true;          ///< an index and its children
  bool several = true;          ///< more than one image
  bool keeps_manifests = true;  ///< a manifest comes out as it went in
  std::string first_name = "one";
  std::string second_name = "two";
};

namespace detail {

/// A source that fails on the way.
struct CutSource {
  std::string bytes;
  bool given = false;
  Bytes next() {
    if (std::exchange(given, true)) throw Error(Errc::stopped, "the connection");
    return as_bytes(bytes);
  }
};

template <class D>
void put_blobs(D& destination, SampleImage const& image) {
  auto const blobs = image.blobs();
  for (std::size_t i = blobs.size(); i-- > 0;) {  // the configuration last, as containers/image does
    if (destination.has_blob(blobs[i])) continue;
    destination.put_blob(blobs[i], memory_source(image.bytes(i)));
    CHECK(destination.has_blob(blobs[i]));
  }
}

template <class S>
void check_image(S source, std::string const& reference, SampleImage const& image, bool same_manifest) {
  INFO("image \"" << reference << '"');
  auto const raw = source.manifest(reference);
  if (same_manifest) CHECK(raw.bytes == image.manifest.bytes);
  auto const manifest = oci::Manifest::parse(raw.bytes, raw.media_type);
  CHECK(read_all(source.blob(manifest.config())) == image.config);
  REQUIRE(manifest.layers().size() == image.layers.size());
  for (std::size_t i = 0; i < image.layers.size(); ++i)
    CHECK(read_all(source.blob(manifest.layers()[i])) == image.layers[i]);
  image_source_suite(source, reference);
}

template <class D>
void check_refusals(D& destination, SampleImage const& image, std::size_t index) {
  auto const blob = image.blobs()[index];
  auto const& bytes = image.bytes(index);
  auto swapped = bytes;
  swapped[bytes.size() / 2] ^= 1;
  auto const refused = [&](Source in) {
    auto const error = image_error_of([&] { destination.put_blob(blob, std::move(in)); });
    CHECK_FALSE(destination.has_blob(blob));
    return error;
  };
  switch (index % 4) {
    case 0:
      CHECK(refused(memory_source(swapped)) == Errc::digest_mismatch);
      break;
    case 1:
      CHECK(refused(memory_source(bytes.substr(1))) == Errc::digest_mismatch);
      break;
    case 2:
      CHECK(refused(memory_source(bytes + "more")) == Errc::digest_mismatch);
      break;
    default:
      CHECK(refused(CutSource{bytes.substr(0, 10)}) == Errc::stopped);
  }
}

}  // namespace detail

/// Checks the semantics of `oci::BlobDestination` with Catch2.
///
/// @param open    makes a destination at a path; nothing is there, or what an earlier one has finished
/// @param reopen  the same place as a source
template <oci::BlobDestination D, oci::ImageSource S>
void image_destination_suite(std::function<D(fs::path const&)> const& open,
                             std::function<S(fs::path const&)> const& reopen,
                             DestinationTraits const& traits = {}) {
  TempDir const directory;
  auto const path = directory / "place";
  auto const name = traits.names ? traits.first_name : std::string();
  auto const one = sample_image("first", 3);
  auto const is_empty = [&] { return !!detail::image_error_of([&] { reopen(path).manifest(name); }); };

  SECTION("an image comes out as it went in, and is not there before it is finished") {
    {
      auto destination = open(path);
      detail::put_blobs(destination, one);
      destination.put_manifest(name, one.manifest, oci::ManifestRole::image);
      CHECK(is_empty());
      destination.finish();
    }
    detail::check_image(reopen(path), name, one, traits.keeps_manifests);
    detail::check_image(reopen(path), "", one, traits.keeps_manifests);
  }
  SECTION("an image without a name is the only one") {
    auto destination = open(path);
    detail::put_blobs(destination, one);
    destination.put_manifest("", one.manifest, oci::ManifestRole::image);
    destination.finish();
    detail::check_image(reopen(path), "", one, traits.keeps_manifests);
  }
  SECTION("an image of no layer") {
    auto const none = sample_image("none", 0);
    auto destination = open(path);
    detail::put_blobs(destination, none);
    destination.put_manifest(name, none.manifest, oci::ManifestRole::image);
    destination.finish();
    detail::check_image(reopen(path), name, none, traits.keeps_manifests);
  }
  SECTION("large layers") {
    auto const large = sample_image("large", 2, oci::Format::oci, 10'000'000);
    auto destination = open(path);
    detail::put_blobs(destination, large);
    destination.put_manifest(name, large.manifest, oci::ManifestRole::image);
    destination.finish();
    detail::check_image(reopen(path), name, large, traits.keeps_manifests);
  }
  SECTION("nothing is left of an image that is not finished") {
    {
      auto destination = open(path);
      detail::put_blobs(destination, one);
      destination.put_manifest(name, one.manifest, oci::ManifestRole::image);
    }
    CHECK(is_empty());
  }
  SECTION("bytes that are not a blob's are refused") {
    for (std::size_t i = 0; i < 4; ++i) {
      auto destination = open(path);
      detail::check_refusals(destination, one, i);
    }
    CHECK(is_empty());
  }
  if (traits.indexes) {
    SECTION("an index and its images") {
      auto const two = sample_image("second", 2);
      auto child = [](SampleImage const& image, std::string architecture) {
        auto descriptor = image.parsed().descriptor();
        descriptor.platform = oci::Platform{.os = "linux", .architecture = std::move(architecture)};
        return descriptor;
      };
      auto const index = oci::Index::make({.manifests = {child(one, "amd64"), child(two, "arm64")}});
      auto destination = open(path);
      for (auto const* const image : {&one, &two}) {
        detail::put_blobs(destination, *image);
        destination.put_manifest("", image->manifest, oci::ManifestRole::child);
      }
      destination.put_manifest(name, {index.bytes(), index.media_type()}, oci::ManifestRole::image);
      destination.finish();
      for (std::string const& reference : {name, std::string(), index.digest().str()})
        CHECK(reopen(path).manifest(reference).bytes == index.bytes());
      detail::check_image(reopen(path), one.parsed().digest().str(), one, true);
      detail::check_image(reopen(path), two.parsed().digest().str(), two, true);
    }
  }
  if (!traits.several) return;
  SECTION("two images that share a layer") {
    auto two = sample_image("second", 2);
    auto destination = open(path);
    detail::put_blobs(destination, one);
    destination.put_manifest(name, one.manifest, oci::ManifestRole::image);
    detail::put_blobs(destination, two);
    destination.put_manifest(traits.second_name, two.manifest, oci::ManifestRole::image);
    destination.finish();
    detail::check_image(reopen(path), name, one, traits.keeps_manifests);
    detail::check_image(reopen(path), traits.second_name, two, traits.keeps_manifests);
    // a remote source is opened for one of them
    if (!oci::RemoteImageSource<S>)
      CHECK(detail::image_error_of([&] { reopen(path).manifest(""); }) == Errc::image_unknown);
  }
  SECTION("an image of two names") {
    auto destination = open(path);
    detail::put_blobs(destination, one);
    destination.put_manifest(name, one.manifest, oci::ManifestRole::image);
    destination.put_manifest(traits.second_name, one.manifest, oci::ManifestRole::image);
    destination.finish();
    detail::check_image(reopen(path), name, one, traits.keeps_manifests);
    detail::check_image(reopen(path), traits.second_name, one, traits.keeps_manifests);
  }
}

}  // namespace strata::testing
