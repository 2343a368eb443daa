#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/mounted_tree.hpp>
#include <strata/tree/read_tree.hpp>

#include <memory>
#include <string>
#include <utility>

/// Reads the files of a layer.
namespace strata {

/// Maps with whose host ids an item's files are written; none for an image.
template <class Record>
IdMaps writer_maps(Record const& record) {
  if constexpr (requires { record.uidmap; })
    return maps_of(record);
  else
    return {};
}

/// The files of a layer: as its driver reads them, otherwise through a read-only mount, which the tree and
/// what was opened in it keep. It is counted, and whoever mounts the layer meanwhile shares it.
/// @param container  maps of the container whose layer it is, if it is one's
/// @throws `Errc::layer_unknown`; `Errc::unsupported` if the driver can do neither; as `mount_layer`
template <class Core>
LayerTree read_layer(std::shared_ptr<Core> const& core, LayerId const& id, IdMaps const& container) {
  ReadMaps maps;
  ReadOnlyLayers<Core> foreign;
  {
    auto const layers = core->template read_view<typename Core::LayerTraits>();
    auto const layer = layers.get(id);
    maps.stored = maps_of(*layer);
    if (maps.stored.empty() && !container.empty() && shifts_mounts(*core, container))
      maps.container = container;
    foreign = ReadOnlyLayers<Core>(layers, layer);
  }
  if (auto tree = foreign.explain([&] { return read_tree_of(core->driver(), id, maps); }))
    return *std::move(tree);
  if constexpr (MountDriver<typename Core::Driver>) {
    auto mount = mount_layer(core, id, {.read_only = true, .maps = maps.container});
    auto const path = mount.path();
    return LayerTree(archive::MountedTree(std::move(mount), path, maps.own()));
  } else {
    throw Error(Errc::unsupported,
                "reading files of a layer with driver " + std::string(core->driver().name()));
  }
}

}  // namespace strata
