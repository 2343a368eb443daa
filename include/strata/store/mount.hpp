#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/record.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/mount_point.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

/// Counted mounts. The lock of the mount counts is held while the kernel mounts, but no table's. So is the
/// store's lock, as in containers/storage: a concurrent shutdown of the driver would remove or hide the
/// mount.
namespace strata {

/// Mounts a layer, or counts one more mount of it. Layers of read-only stores can only be mounted read-only.
/// @param request  its maps are those of the container
/// @throws `Errc::store_read_only`, `Errc::store_changed`, `Errc::cannot_shift`, and what the driver throws
template <class Core>
MountPoint<Core> mount_layer(std::shared_ptr<Core> const& core, LayerId const& id, MountRequest request) {
  ReadOnlyLayers<Core> foreign;
  {
    auto const layers = core->template read_view<typename Core::LayerTraits>();
    auto const layer = layers.get(id);
    if (layer.place->read_only && !request.read_only)
      throw Error(Errc::store_read_only, "mounting read/only store images is not allowed")
          .about(Subject::layer, id.str());
    if (core->options().disable_volatile) request.is_volatile = false;
    if (request.label.empty()) request.label = layer->mount_label;
    request.maps = mount_maps(*core, request.maps, *layer);
    foreign = ReadOnlyLayers<Core>(layers, layer);
  }
  return foreign.explain([&] {
    auto const no_shutdown = core->store_lock().exclusive();
    with_ability(core->driver(), [](ShutdownDriver auto& able) { able.resume(); });
    auto mounts = core->mounts().write();
    auto const known = mounts.find(id.str());
    MountRecord next = known ? *known : MountRecord{.id = id.str(), .path = {}, .count = 0, .extra = {}};
    if (next.count > 0 && core->driver().is_mounted(id)) {
      ++next.count;
      mounts.set(next);
      return MountPoint<Core>(core, id, next.path);
    }
    // A count without a mount dates from before a reboot, or from another mount namespace; a mount without a
    // count from a process that died before it returned.
    if (next.count == 0) core->driver().unmount(id, Flush::none);
    next.path = core->driver().mount(id, request).native();
    next.count = 1;
    try {
      mounts.set(next);
    } catch (...) {
      core->driver().unmount(id, Flush::none);
      throw;
    }
    return MountPoint<Core>(core, id, next.path);
  });
}

/// True if the layer is mounted, in this mount namespace or another.
template <class Core>
bool is_mounted_anywhere(Core& core, LayerId const& id) requires MountDriver<typename Core::Driver> {
  return core.driver().is_mounted(id) || !sys::holders(core.driver().mount_path(id), 1).empty();
}

/// Finds a mounted layer above this one that shows its files; drivers that store whole trees have none.
/// @param mounts  guard of the mount counts, held by the caller
template <class Core, class Mounts>
std::optional<LayerId> find_mount_above(Core& core, Mounts const& mounts, LayerId const& id) {
  if constexpr (MountDriver<typename Core::Driver>) {
    for (auto const& row : mounts.rows()) {
      if (!is_safe_component(row->id)) continue;
      LayerId const above(row->id);
      auto const tree = own_tree_of(core.driver(), above);
      if (!tree || tree->whole) continue;
      auto const below = ancestors_of(core.driver(), above);
      if (below && std::ranges::find(*below, id) == below->end()) continue;
      if (is_mounted_anywhere(core, above)) return above;
    }
  }
  return std::nullopt;
}

/// Refuses to replace the tree of a layer while a layer above it is mounted, since files would vanish from
/// that mount.
/// @param mounts  guard of the mount counts, held by the caller
/// @throws `Errc::layer_used_by_container`
template <class Core, class Mounts>
void check_not_below_mount(Core& core, Mounts const& mounts, LayerId const& id) {
  if (auto const above = find_mount_above(core, mounts, id))
    throw Error(Errc::layer_used_by_container,
                "layer " + id.str() + " lies below layer " + above->str() + ", which is mounted")
        .about(Subject::layer, id.str());
}

/// True if a mount would keep showing the layer's old tree if it were replaced now. For drivers that mount
/// whole trees directly, only the count tells.
/// @param mounts  guard of the mount counts, held by the caller
template <class Core, class Mounts>
bool is_seen_mounted(Core& core, Mounts const& mounts,
                     LayerId const& id) requires MountDriver<typename Core::Driver> {
  auto const tree = own_tree_of(core.driver(), id);
  auto const row = mounts.find(id.str());
  bool const counted = row && row->count > 0;
  if (tree && tree->whole) return counted;
  return core.driver().is_mounted(id) || (counted && is_mounted_anywhere(core, id)) ||
         find_mount_above(core, mounts, id);
}

/// As above, for a caller that holds no guard of the counts and is about to remove the layer. True if the
/// counts are damaged.
/// @throws `errno` if the counts cannot be read now
template <class Core>
bool may_be_mounted(Core& core, LayerId const& id) {
  if constexpr (MountDriver<typename Core::Driver>) {
    try {
      return is_seen_mounted(core, core.mounts().read(), id);
    } catch (Error const& error) {
      if (sys::is_transient(error)) throw;
      return true;  // a check reports it
    }
  } else {
    return false;
  }
}

/// Drops one mount of a layer, or all.
/// @param mounts  `core.mounts().write()`, held by the caller
/// @return        true if the layer is still mounted
/// @throws        what the driver throws if the kernel refuses; the count is then unchanged
template <class Core, class Mounts>
bool unmount_layer(Core& core, Mounts& mounts, LayerId const& id, UnmountOptions const& options) {
  auto const known = mounts.find(id.str());
  if (known && known->count > 1 && !options.force) {
    MountRecord next = *known;
    --next.count;
    mounts.set(std::move(next));
    return true;
  }
  core.driver().unmount(id, core.flush());
  if (known) mounts.set({.id = id.str(), .path = {}, .count = 0, .extra = {}});
  return false;
}

/// As above, for a caller that holds no guard of the counts.
template <class Core>
bool unmount_layer(Core& core, LayerId const& id, UnmountOptions const& options) {
  auto mounts = core.mounts().write();
  return unmount_layer(core, mounts, id, options);
}

/// Number of mounts of a layer across all processes.
template <class Core>
std::int64_t layer_mount_count(Core& core, LayerId const& id) {
  auto const mounts = core.mounts().read();
  auto const known = mounts.find(id.str());
  return known ? known->count : 0;
}

/// Mount point of the first mount; none if not mounted.
template <class Core>
std::optional<fs::path> layer_mounted_at(Core& core, LayerId const& id) {
  auto const mounts = core.mounts().read();
  auto const known = mounts.find(id.str());
  return known ? std::make_optional<fs::path>(known->path) : std::nullopt;
}

}  // namespace strata
