#pragma once

#include <strata/error.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/media_type.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <system_error>
#include <vector>

/// What tests of places share.
namespace oci_tools {

namespace oci = strata::oci;

/// The code that `call` throws as an `Error`, or none; anything else it throws fails the test.
/// @param part  of what the error says
inline std::error_code error_of(std::function<void()> const& call, std::string const& part = {}) {
  try {
    call();
  } catch (strata::Error const& error) {
    INFO(error.what());
    CHECK(std::string(error.what()).find(part) != std::string::npos);
    return error.code();
  }
  return {};
}

inline std::error_code system(int code) { return {code, std::system_category()}; }

template <class S, class D>
void copy_as(S const& source, D& destination, oci::RawManifest const& raw, std::string const& name,
             oci::ManifestRole role) {
  if (oci::is_index(oci::manifest_type(raw.bytes, raw.media_type))) {
    auto const index = oci::Index::parse(raw.bytes, raw.media_type);
    for (auto const& child : index.manifests())
      copy_as(source, destination, source.manifest(child.digest.str()), "", oci::ManifestRole::child);
  } else {
    auto const manifest = oci::Manifest::parse(raw.bytes, raw.media_type);
    auto blobs = manifest.layers();
    blobs.push_back(manifest.config());
    for (auto const& blob : blobs)
      if (!destination.has_blob(blob)) destination.put_blob(blob, source.blob(blob));
  }
  destination.put_manifest(name, raw, role);
}

/// The shortest way from one place to another.
/// @param name  that the image gets there
template <class S, class D>
void copy(S const& source, std::string const& reference, D& destination, std::string const& name) {
  copy_as(source, destination, source.manifest(reference), name, oci::ManifestRole::image);
}

}  // namespace oci_tools
