#pragma once

#include <strata/oci/copy_index.hpp>

namespace strata::oci::detail {

STRATA_INLINE std::vector<ChosenEntry> chosen_entries(Index const& index,
                                                      std::vector<Platform> const& platforms) {
  auto const& manifests = index.manifests();
  std::vector<ChosenEntry> out;
  if (platforms.empty())
    for (std::size_t i = 0; i < manifests.size(); ++i) out.push_back({.entry = i});
  std::map<std::size_t, std::vector<Platform>> chosen;
  for (auto const& platform : platforms) {
    auto const at = std::ranges::find(manifests, index.choose(platform)) - manifests.begin();
    chosen[static_cast<std::size_t>(at)].push_back(platform);
  }
  for (auto& [entry, of] : chosen) out.push_back({.entry = entry, .platforms = std::move(of)});
  return out;
}

STRATA_INLINE Index changed_index(Index const& index, std::vector<Descriptor> manifests, Format format) {
  auto parts = index.parts();
  parts.manifests = std::move(manifests);
  if (format == Format::docker) {  // which has no members for them
    parts.annotations.clear();
    parts.subject.reset();
    parts.artifact_type.clear();
    for (auto& manifest : parts.manifests) manifest.annotations.clear();
  }
  return Index::make(parts, format);
}

STRATA_INLINE bool has_layers_of_images(Manifest const& manifest) {
  return manifest.is_image() &&
         std::ranges::all_of(manifest.layers(), [](auto const& layer) { return is_layer(layer.media_type); });
}

}  // namespace strata::oci::detail
