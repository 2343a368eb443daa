#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_tree.hpp>
#include <strata/tree/read_tree.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// Reads the files of a layer.
namespace strata {
namespace detail {

template <class Core>
struct KeptMount {
  std::shared_ptr<MountPoint<Core>> mount;
};

/// A mount that is read; it ends with the last user of the tree, after the tree's descriptors are closed.
template <class Core>
class MountedTree : KeptMount<Core>, public archive::MergedTree {
 public:
  MountedTree(MountPoint<Core> at, IdMaps maps)
      : KeptMount<Core>{std::make_shared<MountPoint<Core>>(std::move(at))},
        archive::MergedTree({this->mount->path()}, std::move(maps), true) {}

  Source contents(Ref directory, std::string const& name, std::string_view path) const {
    auto source = archive::MergedTree::contents(directory, name, path);
    return source ? Source(MountedFile{{this->mount}, std::move(source)}) : std::move(source);
  }

 private:
  struct MountedFile : KeptMount<Core> {
    Source source;
    Bytes next() { return source.next(); }
  };
};

}  // namespace detail

/// The files of a layer: as its driver reads them, otherwise through a read-only mount, which the tree and
/// what was opened in it keep.
/// @throws `Errc::layer_unknown`; `Errc::unsupported` if the driver can do neither; as `mount_layer`
template <class Core>
LayerTree layer_tree(std::shared_ptr<Core> const& core, LayerId const& id) {
  IdMaps maps;
  ReadOnlyLayers<Core> foreign;
  {
    auto const layers = core->template read_view<typename Core::LayerTraits>();
    auto const layer = layers.get(id);
    maps = maps_of(*layer);
    foreign = ReadOnlyLayers<Core>(layers, layer);
  }
  if (auto tree = foreign.explain([&] { return read_tree_of(core->driver(), id, maps); }))
    return *std::move(tree);
  if constexpr (MountDriver<typename Core::Driver>)
    return LayerTree(detail::MountedTree<Core>(mount_layer(core, id, {.read_only = true}), std::move(maps)));
  else
    throw Error(Errc::unsupported,
                "reading files of a layer with driver " + std::string(core->driver().name()));
}

}  // namespace strata
