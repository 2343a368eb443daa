#pragma once

#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/separate.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::oci {

/// A layer of an image: its blob, and what that unpacks to.
struct PlannedLayer {
  Descriptor blob;
  Digest diff_id;  ///< of the uncompressed tar
};

/// One image of a source, its documents read and found to agree.
struct ImagePlan {
  Manifest manifest;
  ImageConfig config;
  std::vector<PlannedLayer> layers = {};  ///< the lowest first
  /// What the reference stood for, if that was an index; `manifest` was chosen from it.
  std::optional<Index> index = {};
};

/// The id that Podman gives a layer: its DiffID, or over a parent the SHA-256 of the parent's id, "+" and the DiffID
/// (containers/image, storage destination, `computeID`). @param parent  its id; empty: none
std::string podman_layer_id(std::string const& parent, Digest const& diff_id);
/// Those of an image, the lowest first.
std::vector<std::string> podman_layer_ids(std::vector<Digest> const& diff_ids);

/// A source that has layers as they were before they were compressed, as a store does: `s.held_layers(plan)` describes those
/// of an image, for `s.blob`.
template <class S>
concept UnpackedImageSource = ImageSource<S> && requires(S& s, ImagePlan const& plan) {
  { s.held_layers(plan) } -> std::same_as<std::vector<Descriptor>>;
};

/// Which image is meant.
struct ImageChoice {
  std::string reference = {};             ///< as the source's `manifest` takes it; empty: its only image
  std::optional<Platform> platform = {};  ///< of an index; unset: that of this process
  DocumentLimits limits = {};
};

namespace detail {

inline constexpr int most_nested_indexes = 4;

/// The manifest of an image in another format, or over other blobs. What Docker's format has no members for, such as
/// annotations, is dropped, as containers/image does.
/// @throws as `Manifest::make`
Manifest converted(ManifestParts parts, Format format);

/// @throws `Errc::corrupt_document` unless both have as many layers; `Errc::digest_mismatch` if the manifest names another
///   configuration
ImagePlan plan(Manifest manifest, ImageConfig config, std::optional<Index> index);

/// The same with the configuration that the source has.
template <ImageSource S>
ImagePlan plan(S& source, Manifest manifest, std::optional<Index> index, DocumentLimits const& limits) {
  manifest.require_image();
  auto const& blob = manifest.config();
  auto config = ImageConfig::parse(
      blob.data ? *blob.data : read_verified(source.blob(blob), blob, "the configuration", limits.bytes),
      limits);
  return plan(std::move(manifest), std::move(config), std::move(index));
}

/// The document that a reference means. @throws `Errc::digest_mismatch` if that is a digest, and of another one
template <ImageSource S>
RawManifest first_document(S& source, std::string const& reference) {
  auto document = source.manifest(reference);
  std::error_code not_a_digest;
  if (auto const digest = Digest::parse(reference, not_a_digest))
    check_manifest(document.bytes, *digest, "the source");
  return document;
}

/// A document that an index lists. @throws `Errc::digest_mismatch` if it is another one
template <ImageSource S>
RawManifest listed_document(S& source, Descriptor const& entry) {
  auto document = source.manifest(entry.digest.str());
  check_manifest(document.bytes, entry.digest, "the source");
  if (document.media_type.empty()) document.media_type = entry.media_type;
  return document;
}

}  // namespace detail

/// Reads the documents of an image, following indexes, and checks what refers to what.
/// @throws `Errc::image_unknown`, `Errc::platform_unknown` with what there is, `Errc::not_an_image`,
///   `Errc::corrupt_document`, `Errc::digest_mismatch`, `Errc::over_budget`, and what the source throws
template <ImageSource S>
ImagePlan plan_image(S& source, ImageChoice const& choice = {}) {
  auto document = detail::first_document(source, choice.reference);
  std::optional<Index> first;
  for (int depth = 0; is_index(manifest_type(document.bytes, document.media_type, choice.limits)); ++depth) {
    auto index = Index::parse(std::move(document.bytes), document.media_type, choice.limits);
    if (depth == detail::most_nested_indexes)
      throw Error(Errc::over_budget, "index " + index.digest().str() + ", too many indexes in each other");
    auto const chosen = index.choose(choice.platform ? *choice.platform : host_platform());
    document = detail::listed_document(source, chosen);
    if (!first) first = std::move(index);
  }
  return detail::plan(source, Manifest::parse(std::move(document.bytes), document.media_type, choice.limits),
                      std::move(first), choice.limits);
}

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/image_plan.ipp>
#endif
