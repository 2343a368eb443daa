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
  if (auto const& named = manifest.config().digest; named != config.digest())
    throw Error(Errc::digest_mismatch, "configuration " + named.str() + ", found " + config.digest().str());
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
