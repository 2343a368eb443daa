#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/progress.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/import.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Id-mapped copies of an image's top layer, for containers where mounts cannot map ids; created once for
/// each map.
namespace strata {
namespace detail {

/// The top layer that fits, or else the first one, to copy from.
template <class Found>
struct TopLayer {
  Found layer = {};
  bool fits = false;
};

template <class Core, class LayerLook>
auto find_top_layer(Core const& core, ImageRecord const& image, LayerLook const& layers,
                    IdMaps const& wanted) {
  TopLayer<decltype(layers.by_id(image.top_layer))> out;
  bool const by_mount = shifts_mounts(core, wanted);
  auto const look_at = [&](std::string const& id) {
    auto layer = layers.by_id(id);
    if (!layer || out.fits) return;
    auto const maps = maps_of(*layer);
    out.fits = maps == wanted || (by_mount && maps.empty());
    if (out.fits || !out.layer) out.layer = std::move(layer);
  };
  look_at(image.top_layer);
  for (auto const& id : image.mapped_top_layers) look_at(id);
  return out;
}

}  // namespace detail

/// Layer for a container of an image with these maps: the top layer if it has them or mounts can map it, else
/// an id-mapped copy, which is created and recorded in the image if missing. Copying reads all files, without
/// a lock. For an image of a read-only store, the layer is used as it is.
/// @throws `Errc::image_unknown`, `Errc::layer_unknown`, `Errc::invalid_mappings`, `Errc::stopped`
template <class Core>
typename Core::template FoundRow<typename Core::LayerTraits> top_layer_for(Core& core, std::string const& id,
                                                                           IdMaps const& wanted,
                                                                           Control const& control) {
  using LayerTraits = typename Core::LayerTraits;
  using ImageTraits = typename Core::ImageTraits;
  using Found = typename Core::template FoundRow<LayerTraits>;
  LayerPlan<Core> plan{.id = LayerId::random(LayerTraits::id_digits), .names = {}, .parent = {}};
  Found from;
  {
    auto const layers = core.template read_view<LayerTraits>();
    auto const image = core.template read_view<ImageTraits>().get(Ref::exactly(id));
    auto const top = detail::find_top_layer(core, *image, layers, wanted);
    if (!top.layer)
      throw Error(Errc::layer_unknown, "layer \"" + image->top_layer + '"')
          .about(Subject::layer, image->top_layer);
    if (auto const& parent = top.layer->parent; !parent.empty() && !layers.by_id(parent))
      throw Error(Errc::layer_unknown, "layer \"" + parent + "\", below the image's")
          .about(Subject::layer, parent);
    if (top.fits || image.place->read_only || top.layer.place->read_only) return top.layer;
    from = top.layer;
    plan.below = ReadOnlyLayers<Core>(layers, from);
  }
  if (!from->parent.empty()) plan.parent = LayerId(from->parent);
  plan.maps = wanted;
  plan.parent_maps.reset();  // a copy shows the same layers, whatever maps its parent has
  LayerTransaction<Core> copy(core, plan,
                              StageRequest{.parent = plan.parent,
                                           .copy_of = LayerId(from->id),
                                           .writable = false,
                                           .flush = core.flush(),
                                           .control = control,
                                           .maps = wanted,
                                           .parent_maps = maps_of(*from)});
  if (auto const recorded = sys::read_stored(core.tar_split(from.place->directory, from->id)))
    sys::replace_file(copy.new_tar_split(), *recorded, {.mode = 0600, .flush = core.flush()});
  copy_archive_fields(*from, copy.record());
  copy.record().metadata = from->metadata;
  copy.record().mount_label = from->mount_label;
  copy.record().place = core.place_of_layer(false);
  copy.finish(IntentKind::spare_layer);

  auto layers = core.template table<LayerTraits>().write();
  auto images = core.template table<ImageTraits>().write();
  auto const now = images.by_id(id);
  if (!now)
    throw Error(Errc::image_unknown, "image \"" + id + "\", removed meanwhile").about(Subject::image, id);
  for (auto const& known : now->mapped_top_layers)  // somebody else may have been faster
    if (auto const layer = layers.by_id(known); layer && maps_of(*layer) == wanted)
      return {layer, from.place};
  if (!layers.by_id(from->id))
    throw Error(Errc::layer_unknown, "layer \"" + from->id + "\", removed meanwhile")
        .about(Subject::layer, from->id);
  auto row = copy.publish(layers);
  try {
    auto next = *now;
    next.mapped_top_layers.push_back(row->id);
    images.put(std::move(next));
    images.commit(core.flush());
  } catch (...) {
    copy.withdraw(layers, images);
    throw;
  }
  return {std::move(row), from.place};
}

/// Layer that shows an image with host ids: its top layer or an id-mapped copy, which is created if missing.
/// @throws as `top_layer_for`; `Errc::store_read_only` if an image of a read-only store would need a copy
template <class Core>
LayerId host_layer_for(Core& core, ImageRecord const& image) {
  auto const layer = top_layer_for(core, image.id, {}, {});
  if (!maps_of(*layer).empty())
    throw Error(Errc::store_read_only, "cannot create an image with canonical UID/GID mappings")
        .about(Subject::layer, layer->id);
  return LayerId(layer->id);
}

/// The same without creating a copy: the top layer then.
template <class Core>
LayerId known_host_layer(Core& core, ImageRecord const& image) {
  auto const layers = core.template read_view<typename Core::LayerTraits>();
  auto const now = core.template read_view<typename Core::ImageTraits>().by_id(image.id);
  auto const found = detail::find_top_layer(core, now ? *now : image, layers, {});
  return LayerId(found.fits ? found.layer->id : image.top_layer);
}

/// Removes a copy from its image's record.
/// @param images  write guard of the table; committed on return if changed
template <class Core, class Writing>
void forget_mapped_layer(Core& core, Writing& images, std::string const& layer) {
  for (auto const& image : images.referring_to(layer)) {
    auto next = *image;
    if (std::erase(next.mapped_top_layers, layer) != 0) images.put(std::move(next));
  }
  images.commit(core.flush());
}

}  // namespace strata
