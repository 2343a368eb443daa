#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/private_mount.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE fs::path mount_privately(MountPlaces const& places, Mounter const& mounter,
                                       sys::StagingDirectory& staging, LayerId const& id,
                                       IdMaps const& maps) {
  auto target = make_mount_point(staging);
  // For a container never an existing mount, which may show other owners.
  if (auto const seen = places.of(id); maps.empty() && sys::is_mount_point(seen)) {
    // Bind-mounts the existing mount, which may be unmounted at any time.
    sys::bind_mount(seen, target);
    if (!sys::same_device(target, seen.parent_path())) return target;
    sys::unmount(target);  // it was unmounted in between: this is the directory below it
  }
  auto const layer = places.dirs.get(id.str());
  auto plan = mounter.plan(places.dirs, layer, places.is_own(layer), {.read_only = true});
  plan.target = target;
  if (maps.empty())
    mounter.mount(std::move(plan));
  else
    mounter.mount_shifted(std::move(plan), layer, maps);
  return target;
}

}  // namespace strata::drivers::overlay
