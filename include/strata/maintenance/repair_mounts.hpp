#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/problem.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/mount.hpp>

#include <string>
#include <vector>

namespace strata::detail {

/// Repairs mount counts: what is counted and not mounted, or mounted and not counted. Does nothing in a store whose driver
/// mounts nothing.
template <class Core>
class MountRepairer {
 public:
  MountRepairer(Core& core, RepairLog& log) : core_(core), log_(log) {}

  /// Forgets the mounts of a layer that is mounted in no mount namespace that can be seen, or unmounts one that nobody counts.
  /// Looks again first: the problem may be gone.
  /// @param found  `ProblemKind::mount_stale` or `mount_uncounted`
  /// @throws `errno`, and what the driver throws
  void repair(Problem const& found) {
    if constexpr (MountDriver<Driver>) {
      LayerId const id(found.id);
      auto mounts = core_.mounts().write();
      if (found.kind == ProblemKind::mount_stale) {
        if (!mounts.find(id.str()) || is_mounted_anywhere(core_, id)) return;
        mounts.set({.id = id.str(), .path = {}, .count = 0, .extra = {}});
        log_.did("layer " + found.id + ": forgot mounts that are gone");
      } else if (!mounts.find(id.str())) {
        core_.driver().unmount(id, core_.flush());
        log_.did("layer " + found.id + ": unmounted what nobody counts");
      }
    }
  }

  /// Counts each mounted layer once, in place of a file of counts that cannot be read. Trees stored whole are not counted:
  /// they show no sign of being mounted.
  /// @throws `errno`, and what the driver throws
  void recount() {
    if constexpr (MountDriver<Driver>) {
      std::vector<LayerId> mounted;
      for (auto const& row : core_.template table<typename Core::LayerTraits>().read().rows())
        if (is_safe_component(row->id) && !has_whole_tree(core_, row->id) &&
            core_.driver().is_mounted(LayerId(row->id)))
          mounted.emplace_back(row->id);
      core_.mounts().reset();
      auto mounts = core_.mounts().write();
      for (auto const& id : mounted)
        mounts.set({.id = id.str(), .path = core_.driver().mount_path(id).native(), .count = 1, .extra = {}});
      log_.did("mount counts: began anew");
    }
  }

 private:
  using Driver = typename Core::Driver;

  Core& core_;
  RepairLog& log_;
};

}  // namespace strata::detail
