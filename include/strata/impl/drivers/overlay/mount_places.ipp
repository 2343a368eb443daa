#pragma once

#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/sys/file.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE fs::path MountPlaces::of(LayerId const& id) const {
  auto const layer = dirs.find(id.str());
  return (layer && !is_own(*layer) ? run_home / id.str() : dirs.own(id.str())) / paths::overlay::merged;
}

STRATA_INLINE fs::path make_mount_point(sys::StagingDirectory& place) {
  auto point = place.next_addition();
  if (::mkdir(point.c_str(), 0700) != 0) sys::throw_errno("mkdir", point);
  return point;
}

}  // namespace strata::drivers::overlay
