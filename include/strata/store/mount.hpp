#pragma once

#include <strata/concepts/check_driver.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/records/record.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

/// Counted mounts. The count's lock is held while the kernel mounts, no table's is; and so is the store's, as the reference
/// has it, which keeps a shutdown of the driver apart from a mount that it would take away or hide.
namespace strata {

/// One mount of a layer; gives it back at the end of its life.
template <class Core>
class MountPoint {
 public:
  MountPoint(std::shared_ptr<Core> core, LayerId layer, std::filesystem::path path)
      : core_(std::move(core)), layer_(std::move(layer)), path_(std::move(path)) {}
  MountPoint(MountPoint&&) noexcept = default;
  MountPoint& operator=(MountPoint&& other) noexcept {
    if (this == &other) return *this;
    release();
    core_ = std::move(other.core_);
    layer_ = std::move(other.layer_);
    path_ = std::move(other.path_);
    return *this;
  }
  ~MountPoint() { release(); }

  std::filesystem::path const& path() const noexcept { return path_; }

  /// Ends it now. The destructor does the same, but cannot report what fails, such as a flush of what was written.
  /// @throws as `unmount_layer`; the mount is not this object's any more
  void unmount() {
    if (auto const core = std::exchange(core_, nullptr)) unmount_layer(*core, layer_, {});
  }

  /// Leaves it mounted; to be given back with `unmount`, from any process.
  std::filesystem::path keep() {
    core_.reset();
    return path_;
  }

 private:
  void release() noexcept {
    if (!core_) return;
    try {
      unmount_layer(*core_, layer_, {});
    } catch (...) {  // a destructor has nobody to tell; `status` and `mounted` show what stayed
    }
    core_.reset();
  }

  std::shared_ptr<Core> core_;
  LayerId layer_;
  std::filesystem::path path_;
};

/// Mounts a layer or counts one more mount of it. One of a store that is only read can be mounted for reading only.
/// @param request  its maps are the container's
/// @throws `Errc::store_read_only`, `Errc::store_changed`, `Errc::cannot_shift`, what the driver throws
template <class Core>
MountPoint<Core> mount_layer(std::shared_ptr<Core> const& core, LayerId const& id, MountRequest request) {
  ReadOnlyLayers<Core> foreign;
  {
    auto const layers = core->template read_view<typename Core::LayerTraits>();
    auto const layer = layers.get(id);
    if (layer.place->read_only && !request.read_only)
      throw Error(Errc::store_read_only, "mounting read/only store images is not allowed");
    if (core->options().disable_volatile) request.is_volatile = false;
    if (request.label.empty()) request.label = layer->mount_label;
    request.maps = mount_maps(*core, request.maps, *layer);
    foreign = ReadOnlyLayers<Core>(layers, layer);
  }
  return foreign.explain([&] {
    auto const no_shutdown = core->store_lock().exclusive();
    if constexpr (ShutdownDriver<typename Core::Driver>) core->driver().resume();
    auto mounts = core->mounts().write();
    auto const known = mounts.find(id.str());
    MountRecord next = known ? *known : MountRecord{.id = id.str(), .path = {}, .count = 0, .extra = {}};
    if (next.count > 0 && core->driver().is_mounted(id)) {
      ++next.count;
      mounts.set(next);
      return MountPoint<Core>(core, id, next.path);
    }
    // A count without a mount is left from before a reboot, or from a mount namespace that has gone; a mount without a
    // count by a process that died in between, and nobody was told of it.
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

/// Is it mounted, in this mount namespace or in another one?
template <class Core>
bool is_mounted_anywhere(Core& core, LayerId const& id) requires MountDriver<typename Core::Driver> {
  return core.driver().is_mounted(id) || !sys::holders(core.driver().mount_path(id), 1).empty();
}

/// A mounted layer that stands on this one, and shows its files. Trees that hold all of their own show no others.
/// @param mounts  a guard of the mount counts, which the caller holds
template <class Core, class Mounts>
std::optional<LayerId> find_mount_above(Core& core, Mounts const& mounts, LayerId const& id) {
  if constexpr (MountDriver<typename Core::Driver> && CheckDriver<typename Core::Driver>) {
    for (auto const& row : mounts.rows()) {
      if (!is_safe_component(row->id)) continue;
      LayerId const above(row->id);
      auto const tree = core.driver().own_tree(above);
      if (!tree || tree->whole) continue;
      auto const below = core.driver().ancestors(above);
      if (below && std::ranges::find(*below, id) == below->end()) continue;
      if (is_mounted_anywhere(core, above)) return above;
    }
  }
  return std::nullopt;
}

/// Who looks at a layer through a mount of another one that stands on it would see its files go when its tree is
/// exchanged.
/// @param mounts  a guard of the mount counts, which the caller holds
/// @throws `Errc::layer_used_by_container`
template <class Core, class Mounts>
void check_not_below_mount(Core& core, Mounts const& mounts, LayerId const& id) {
  if (auto const above = find_mount_above(core, mounts, id))
    throw Error(Errc::layer_used_by_container,
                "layer " + id.str() + " lies below layer " + above->str() + ", which is mounted");
}

/// Would somebody go on seeing a layer's old tree if it were exchanged now? Mounts of drivers that show whole trees as they
/// are can only be told by their counts.
/// @param mounts  a guard of the mount counts, which the caller holds
template <class Core, class Mounts>
bool is_seen_mounted(Core& core, Mounts const& mounts,
                     LayerId const& id) requires MountDriver<typename Core::Driver> {
  bool whole = false;
  if constexpr (CheckDriver<typename Core::Driver>) {
    auto const tree = core.driver().own_tree(id);
    whole = tree && tree->whole;
  }
  auto const row = mounts.find(id.str());
  bool const counted = row && row->count > 0;
  if (whole) return counted;
  return core.driver().is_mounted(id) || (counted && is_mounted_anywhere(core, id)) ||
         find_mount_above(core, mounts, id);
}

/// The same for who holds no guard of the counts, and wants to remove the layer. Yes, if the counts are damaged.
/// @throws `errno`, if the counts cannot be read now
template <class Core>
bool may_be_mounted(Core& core, LayerId const& id) {
  if constexpr (MountDriver<typename Core::Driver>) {
    try {
      return is_seen_mounted(core, core.mounts().read(), id);
    } catch (Error const& error) {
      if (sys::is_transient(error)) throw;
      return true;  // a check tells of it
    }
  } else {
    return false;
  }
}

/// Gives back one mount, or all.
/// @param mounts  `core.mounts().write()`, which the caller holds
/// @return        whether the layer is still mounted
/// @throws        what the driver throws if the kernel refuses: the count is then as it was
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

/// The same for who holds no guard of the counts.
template <class Core>
bool unmount_layer(Core& core, LayerId const& id, UnmountOptions const& options) {
  auto mounts = core.mounts().write();
  return unmount_layer(core, mounts, id, options);
}

/// How often a layer is mounted, over all processes; 0 if it is not.
template <class Core>
std::int64_t layer_mount_count(Core& core, LayerId const& id) {
  auto const mounts = core.mounts().read();
  auto const known = mounts.find(id.str());
  return known ? known->count : 0;
}

/// Where the first mount put it.
template <class Core>
std::optional<std::filesystem::path> layer_mounted_at(Core& core, LayerId const& id) {
  auto const mounts = core.mounts().read();
  auto const known = mounts.find(id.str());
  return known ? std::make_optional<std::filesystem::path>(known->path) : std::nullopt;
}

}  // namespace strata
