#pragma once

#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/names.hpp>
#include <strata/store/records_of.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strata::detail {

/// All records of a store, as they are on disk.
template <class Core>
struct StoreSnapshot {
  using LayerTraits = typename Core::LayerTraits;
  RawRecords<LayerRecordOf<Core>> layers;
  RawRecords<ImageRecordOf<Core>> images;
  RawRecords<ContainerRecordOf<Core>> containers;
  KnownIds elsewhere = {};  ///< see `KnownIds::in_other_files`

  /// Reads all kinds under their locks: otherwise an image created in between would lack its layer.
  static StoreSnapshot read(Core& core) {
    // Opening the layers completes interrupted operations; a damaged store may fail there.
    try {
      core.template table<LayerTraits>();
    } catch (Error const&) {
    }
    StoreSnapshot records = [&] {
      HeldRecords<LayerTraits, Core> const held_layers(core);
      HeldRecords<typename Core::ImageTraits, Core> const held_images(core);
      HeldRecords<typename Core::ContainerTraits, Core> const held_containers(core);
      return StoreSnapshot{.layers = held_layers.read(),
                           .images = held_images.read(),
                           .containers = held_containers.read(),
                           .elsewhere = KnownIds::in_other_files(core)};
    }();
    add_other_records<LayerTraits>(core, records.layers);
    add_other_records<typename Core::ImageTraits>(core, records.images);
    return records;
  }

  /// False: the store may have more items than these.
  bool all_readable() const noexcept {
    return layers.damaged.empty() && images.damaged.empty() && containers.damaged.empty();
  }

  /// The same for read-only stores.
  bool others_readable() const noexcept {
    return !layers.others_damaged && !images.others_damaged && !containers.others_damaged;
  }

  KnownIds known() const {
    auto ids = elsewhere;
    for (auto const& row : layers.rows) ids.add(row, ids.layers);
    for (auto const& row : images.rows) ids.add(row, ids.images);
    for (auto const& row : containers.rows) ids.add(row, ids.containers);
    ids.all_layers = ids.all_layers && layers.damaged.empty();
    ids.all_images = images.damaged.empty();
    ids.all_containers = ids.all_containers && containers.damaged.empty();
    return ids;
  }

  /// Parents of a layer, nearest first.
  /// @return  none if one has no record, or the parents form a cycle
  std::optional<std::vector<LayerId>> ancestors(LayerRecord const& of) const {
    std::vector<LayerId> out;
    std::set<std::string_view> seen{of.id};
    for (auto const* at = &of; !at->parent.empty();) {
      at = layers.find(at->parent);
      if (at == nullptr || !seen.insert(at->id).second) return std::nullopt;
      out.emplace_back(at->id);
    }
    return out;
  }

  /// True for id-mapped copies, whose parent is known to the driver only.
  bool is_mapped(LayerRecord const& layer) const {
    return !layer.uidmap.empty() || !layer.gidmap.empty() ||
           std::ranges::any_of(images.rows,
                               [&](auto const& i) { return names::contains(i.mapped_top_layers, layer.id); });
  }

  /// Layers that an image or container needs, including records of stores opened with other options.
  std::set<std::string> needed_layers() const {
    std::set<std::string> out;
    auto const need = [&](std::string const& top) {
      for (auto const* at = layers.find(top); at != nullptr && out.insert(at->id).second;)
        at = layers.find(at->parent);
    };
    for (auto const& image : images.rows) {
      for (auto const& id : image_layers(image)) need(id);
    }
    for (auto const& container : containers.rows) need(container.layer);
    for (auto const& id : elsewhere.wanted) need(id);
    return out;
  }
};

}  // namespace strata::detail
