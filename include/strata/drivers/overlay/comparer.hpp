#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/diff.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/drivers/overlay/plain_trees.hpp>
#include <strata/drivers/overlay/private_mount.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/changes.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Computes what a layer changed: from its own tree if it is compared with its parent, otherwise by comparing
/// two mounts.
class Comparer {
 public:
  /// Keeps references to both.
  Comparer(MountPlaces const& places, Mounter const& mounter) : places_(places), mounter_(mounter) {}

  /// As `DiffDriver::changes`.
  std::vector<Change> changes(DiffRequest const& request) const {
    if (auto const own = native_trees(request)) return native_changes(own->tree, own->lowers);
    auto const shown = mount_both(request);
    return archive::compare_trees(shown.newer, shown.older, request.maps);
  }
  void diff(DiffRequest const& request, archive::TarWriter& to) const {
    if (auto const own = native_trees(request))
      return native_diff(own->tree, own->lowers, to, request.control, request.maps.newer);
    auto const shown = mount_both(request);
    archive::write_changes(shown.newer, archive::compare_trees(shown.newer, shown.older, request.maps), to,
                           request.control, request.maps.newer);
  }
  std::int64_t diff_size(DiffRequest const& request) const {
    if (auto const own = native_trees(request)) return native_size(own->tree);
    auto const shown = mount_both(request);
    return archive::changed_bytes(shown.newer,
                                  archive::compare_trees(shown.newer, shown.older, request.maps));
  }

 private:
  /// A layer's own tree and those below it.
  struct Trees {
    fs::path tree;
    std::vector<fs::path> lowers = {};
  };

  /// None if the layer's own tree does not suffice: another parent was asked for, or another program wrote
  /// the tree.
  std::optional<Trees> native_trees(DiffRequest const& request) const {
    auto const& parent = request.parent;
    auto const layer = places_.dirs.get(request.layer.str());
    auto const below = places_.dirs.lower_ids(layer);
    bool const asked_for_own = parent ? !below.empty() && below.front() == parent->str() : below.empty();
    if (!asked_for_own || !has_plain_trees(places_.dirs, mounter_, layer)) return std::nullopt;
    return Trees{.tree = layer / paths::overlay::diff, .lowers = places_.dirs.trees_below(layer)};
  }

  /// Mounts two layers in private places while the object exists.
  struct Mounts {
    sys::StagingDirectory staging;
    fs::path newer = {};
    std::optional<fs::path> older = {};
  };
  Mounts mount_both(DiffRequest const& request) const {
    Mounts shown{.staging = sys::StagingDirectory::create(places_.private_mounts())};
    shown.newer = mount_privately(places_, mounter_, shown.staging, request.layer);
    if (request.parent) shown.older = mount_privately(places_, mounter_, shown.staging, *request.parent);
    return shown;
  }

  MountPlaces places_;
  Mounter const& mounter_;
};

}  // namespace strata::drivers::overlay
