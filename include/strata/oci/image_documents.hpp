#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/store_keys.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What an image of a store says of itself. The functions take a store's image, `store.images().get("debian")`, and read its
/// big data.
namespace strata::oci {

/// @throws `Errc::data_unknown` for an image that no program of images made; what `Manifest::parse` throws
template <class Image>
Manifest manifest_of(Image const& image, DocumentLimits const& limits = {}) {
  return Manifest::parse(image.big_data().get(manifest_data), {}, limits);
}

/// @throws as `manifest_of`, and what `ImageConfig::parse` throws; `Errc::digest_mismatch` if it is not the one of the
///   manifest
template <class Image>
ImageConfig config_of(Image const& image, DocumentLimits const& limits = {}) {
  auto const manifest = manifest_of(image, limits);
  manifest.require_image();
  auto const& digest = manifest.config().digest;
  auto config = ImageConfig::parse(image.big_data().get(digest.str()), limits);
  if (config.digest() != digest)
    throw Error(Errc::digest_mismatch, "configuration " + digest.str() + ", found " + config.digest().str())
        .about(Subject::image, image.id().str());
  return config;
}

/// The store's layers under an image, the lowest first.
/// @throws `Errc::layer_unknown`
template <class Image>
auto layers_of(Image const& image) {
  auto next = image.top_layer();
  std::vector<typename decltype(next)::value_type> layers;
  for (; next; next = next->parent()) layers.push_back(*next);
  std::ranges::reverse(layers);
  return layers;
}

/// The same, found to be those that the image's configuration tells of.
/// @throws also `Errc::digest_mismatch`
template <class Image>
auto layers_of(Image const& image, std::vector<Digest> const& diff_ids) {
  auto layers = layers_of(image);
  for (auto i = std::max(layers.size(), diff_ids.size()); i-- > 0;)
    if (i >= layers.size() || i >= diff_ids.size() || layers[i].record().diff_digest != diff_ids[i].str())
      throw Error(Errc::digest_mismatch, "layer " + std::to_string(i) + " of the image" +
                                             (i < diff_ids.size() ? ", " + diff_ids[i].str() : std::string()))
          .about(Subject::image, image.id().str());
  return layers;
}

/// A step of what made an image.
struct HistoryStep {
  HistoryEntry entry = {};
  std::int64_t size_bytes = 0;  ///< of the step's layer as an uncompressed archive; 0 if it has none
};

/// The steps that made an image, the earliest first, as its configuration tells them.
/// @throws as `config_of` and `layers_of`
template <class Image>
std::vector<HistoryStep> history_of(Image const& image, DocumentLimits const& limits = {}) {
  std::vector<HistoryStep> steps;
  auto const config = config_of(image, limits);
  for (auto const& entry : config.history()) steps.push_back({entry});
  auto layers = layers_of(image);
  for (auto step = steps.rbegin(); step != steps.rend() && !layers.empty(); ++step) {
    if (step->entry.empty_layer) continue;
    step->size_bytes = layers.back().record().diff_size;
    layers.pop_back();
  }
  return steps;
}

}  // namespace strata::oci
