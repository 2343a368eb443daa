#pragma once

#include <strata/error.hpp>
#include <strata/oci/image_plan.hpp>

#include <cstddef>

namespace strata::oci {

STRATA_INLINE std::string podman_layer_id(std::string const& parent, Digest const& diff_id) {
  std::string own(diff_id.hex());
  return parent.empty() ? own : std::string(Digest::of(as_bytes(parent + '+' + own)).hex());
}

STRATA_INLINE std::vector<std::string> podman_layer_ids(std::vector<Digest> const& diff_ids) {
  std::vector<std::string> ids;
  ids.reserve(diff_ids.size());
  for (auto const& diff_id : diff_ids) ids.push_back(podman_layer_id(ids.empty() ? "" : ids.back(), diff_id));
  return ids;
}

namespace detail {

STRATA_INLINE std::string read_blob(Source in, Descriptor const& blob, std::string const& where,
                                    DocumentLimits const& limits) {
  if (blob.size > limits.bytes)
    throw Error(Errc::over_budget, where + ' ' + blob.digest.str() + ", " + std::to_string(blob.size) +
                                       " bytes of " + std::to_string(limits.bytes));
  VerifiedSource verified(std::move(in), blob, where);
  std::string text;
  for (Bytes part = verified.next(); !part.empty(); part = verified.next()) text += as_text(part);
  return text;
}

STRATA_INLINE void check_reference(std::string_view reference, RawManifest const& document) {
  std::error_code not_a_digest;
  auto const wanted = Digest::parse(reference, not_a_digest);
  if (!wanted) return;
  if (auto const found = Digest::of(as_bytes(document.bytes)); found != *wanted)
    throw Error(Errc::digest_mismatch, "manifest " + wanted->str() + ", found " + found.str());
}

STRATA_INLINE Manifest converted(ManifestParts parts, Format format) {
  parts.config.media_type = config_media_type(format);
  if (format == Format::docker) {
    parts.annotations.clear();
    parts.subject.reset();
    parts.artifact_type.clear();
  }
  for (auto& layer : parts.layers) {
    if (format == Format::docker) layer.annotations.clear();
    auto const compression = layer_compression(layer.media_type);
    if (!compression || is_nondistributable(layer.media_type)) continue;
    if (auto const type = layer_media_type(format, *compression)) layer.media_type = *type;
  }
  return Manifest::make(parts, format);
}

STRATA_INLINE ImagePlan plan(Manifest manifest, ImageConfig config, std::optional<Index> index) {
  auto const& blobs = manifest.layers();
  auto const& diff_ids = config.diff_ids();
  if (blobs.size() != diff_ids.size())
    throw Error(Errc::corrupt_document, "manifest " + manifest.digest().str() + ": " +
                                            std::to_string(blobs.size()) + " layers, its configuration has " +
                                            std::to_string(diff_ids.size()));
  std::vector<PlannedLayer> layers;
  layers.reserve(blobs.size());
  for (std::size_t i = 0; i < blobs.size(); ++i) layers.push_back({blobs[i], diff_ids[i]});
  return {std::move(manifest), std::move(config), std::move(layers), std::move(index)};
}

}  // namespace detail

}  // namespace strata::oci
