#pragma once

#include <strata/fwd.hpp>
#include <strata/id.hpp>
#include <strata/store/containers.hpp>
#include <strata/store/core.hpp>
#include <strata/store/images.hpp>
#include <strata/store/layers.hpp>
#include <strata/store/options.hpp>
#include <strata/store/storage_layers.hpp>
#include <strata/store/traits.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace strata {

/// A store of layers, images and containers, composed at compile time.
///
/// A `Store` may be used by many threads, and its directories by many processes. A change that a call
/// acknowledged survives a crash, with `durability::Full` also a power cut; after a failed call the store
/// holds the old or the new state.
/// @tparam Driver      stores the files of layers: `drivers::Overlay`, or one of your own
/// @tparam Serializer  stores the records: `serializers::Json` to share the store with Podman,
///   `serializers::Journal`
/// @tparam Durability  when a change counts as done
/// @tparam Traits      `StoreTraits<Driver, Serializer>` or a type derived from it
/// @code
/// strata::Store<strata::drivers::Overlay, strata::serializers::Json> store(
///     {.graph_root = "/var/lib/containers/storage", .run_root = "/run/containers/storage"});
/// @endcode
template <class Driver, class Serializer, class Durability, class Traits>
class Store {
  static_assert(LayerDriver<Driver>);
  static_assert(DurabilityPolicy<Durability>);

 public:
  using Core = strata::Core<Traits, Durability>;
  using Options = typename Core::Options;
  using Layer = Item<typename Core::LayerTraits>;
  using Image = Item<typename Core::ImageTraits>;
  using Container = Item<typename Core::ContainerTraits>;
  using AnyItem = std::variant<Layer, Image, Container>;

  /// Opens a store; creates its directories if missing.
  /// @throws `Errc::incomplete_options`, `Errc::store_mismatch`, what the driver throws, `errno`
  explicit Store(Options options);

  Layers<Core> layers() const;
  Images<Core> images() const;
  Containers<Core> containers() const;
  /// Layers as the driver sees them, with and without records.
  StorageLayers<Core> storage_layers() const { return StorageLayers<Core>(core_); }

  /// Finds an item of any kind: layers first, then images, then containers.
  [[nodiscard]] std::optional<AnyItem> find(Ref const& ref) const;

  std::string driver_name() const;
  Options const& options() const noexcept;
  /// Internals, for functions over a store such as those of maintenance/. Not a stable interface.
  Core& core() const noexcept { return *core_; }

  /// Properties of the driver and the host, as pairs of key and value.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> status() const;

  /// Ids of the layers with a mount count.
  [[nodiscard]] std::vector<LayerId> mounted_layers() const;

  /// Removes a container, else an image without its layers, else a layer, even if it is in use; for manual
  /// cleanup. Items that depend on it are left damaged. @throws `Errc::item_unknown`
  void remove(Ref const& ref);

  /// Unmounts and removes all containers, images and layers of the store itself. If one cannot be removed,
  /// only what it depends on stays as well. @throws the first failure, at the end
  void wipe();

  /// Gives back what the driver holds of the host. Overlay and btrfs hold a private bind mount of their home
  /// onto itself, which keeps mounts of layers out of other mount namespaces; vfs and memory hold nothing.
  ///
  /// Call it before the graph root is removed, moved, or the file system below it unmounted, all of which fail
  /// with EBUSY before. A program that merely ends need not: the bind mount stays, as with containers/storage,
  /// costs nothing, and is gone after a reboot. No destructor does this: other processes use the same mount,
  /// and as they hold no lock between their calls, none can know that it is the last. The store stays usable:
  /// the next mount takes the bind mount again, in any process.
  ///
  /// Waits for other processes that hold the store's lock.
  /// @throws `Errc::layer_used_by_container` with the layer as `holder()`: it is mounted, and `force` was not set; with
  ///         `force`, what the driver throws if an unmount fails; `errno`, "unmount <path>"
  void shutdown(ShutdownOptions const& options = {});

 private:
  /// Sorts explicitly: the list has layers of the graph root before those of a separate image store, which
  /// may be their parents.
  static std::vector<Layer> children_first(std::vector<Layer> layers);

  std::shared_ptr<Core> core_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/store.hpp>
#endif
