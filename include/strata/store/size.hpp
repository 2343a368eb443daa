#pragma once

#include <strata/fs.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/export.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

/// Sizes of items, from records where these have them.
namespace strata {

namespace detail {

/// @throws  as reading the layer, with the layer's id as holder
template <class Core>
std::int64_t size_of_changes(Core& core, std::string const& layer) {
  try {
    return layer_diff_size(core, LayerId(layer), "");
  } catch (Error const& error) {
    throw Error(error.code(), error.subject(), layer).about(Subject::layer, layer);
  }
}

}  // namespace detail

/// Recorded size of a layer's uncompressed tar; size of its changed files if it was not imported.
template <class Core>
std::int64_t item_size(Core& core, LayerRecord const& layer) {
  if (!layer.diff_digest.empty() && layer.diff_size >= 0) return layer.diff_size;
  return detail::size_of_changes(core, layer.id);
}

/// Recorded size of an item's big data.
inline std::int64_t data_size(auto const& record) {
  std::int64_t sum = 0;
  for (auto const& [key, size] : record.big_data_sizes) sum += size;
  return sum;
}

/// Size of all layers of the chain, counted once, including those of id-mapped copies, and of big data.
/// @throws `Errc::layer_unknown` for a missing layer, or as reading one, with the layer's id as holder
template <class Core>
std::int64_t item_size(Core& core, ImageRecord const& image) {
  std::vector<Row<LayerRecord>> chain;
  {
    auto const layers = core.template read_view<typename Core::LayerTraits>();
    std::unordered_set<std::string> seen;
    for (auto& id : image_layers(image))
      while (!id.empty() && seen.insert(id).second) {
        auto const layer = layers.by_id(id);
        if (!layer) throw Error(Errc::layer_unknown, "layer \"" + id + '"', id).about(Subject::layer, id);
        chain.push_back(layer.row);
        id = layer->parent;
      }
  }
  std::int64_t sum = data_size(image);
  for (auto const& layer : chain) sum += item_size(core, *layer);
  return sum;
}

/// Size of its layer's changes, big data and both directories.
/// @throws  as reading the layer, with the layer's id as holder
template <class Core>
std::int64_t item_size(Core& core, ContainerRecord const& container) {
  using Traits = typename Core::ContainerTraits;
  auto const files = [](fs::path const& path) {
    return sys::is_present(path) ? static_cast<std::int64_t>(sys::disk_usage(path)) : 0;
  };
  return detail::size_of_changes(core, container.layer) + data_size(container) +
         files(core.template data_directory<Traits>(container.id) / paths::user_data) +
         files(core.template run_directory<Traits>(container.id) / paths::user_data);
}

}  // namespace strata
