#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/testing/sample_image.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace oci_tools {

namespace oci = strata::oci;

/// A place in memory that may lie, and counts what is read.
struct Place {
  std::map<std::string, oci::RawManifest> manifests = {};
  std::map<std::string, std::string> blobs = {};
  mutable std::map<std::string, int> reads = {};

  Place() = default;
  explicit Place(strata::testing::SampleImage const& image) { add(image); }

  void add(strata::testing::SampleImage const& image, std::string const& name = "") {
    add(name, image.manifest);
    auto const described = image.blobs();
    for (std::size_t i = 0; i <= image.layers.size(); ++i) blobs[described[i].digest.str()] = image.bytes(i);
  }

  /// A manifest or an index, by its name and its digest.
  void add(std::string const& name, oci::RawManifest const& document) {
    manifests[name] = manifests[strata::Digest::of(strata::as_bytes(document.bytes)).str()] = document;
  }

  oci::RawManifest manifest(std::string_view reference) const {
    auto const found = manifests.find(std::string(reference));
    if (found == manifests.end()) throw strata::Error(strata::Errc::image_unknown, std::string(reference));
    return found->second;
  }
  strata::Source blob(oci::Descriptor const& blob) const {
    ++reads[blob.digest.str()];
    return strata::memory_source(blobs.at(blob.digest.str()));
  }
};
static_assert(oci::ImageSource<Place const>);

}  // namespace oci_tools
