#pragma once

#include <strata/drivers/overlay/comparer.hpp>
#include <strata/drivers/overlay/diff.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/plain_trees.hpp>
#include <strata/drivers/overlay/private_mount.hpp>
#include <strata/tree/changes.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE std::vector<Change> Comparer::changes(DiffRequest const& request) const {
  if (auto const own = native_trees(request)) return native_changes(own->tree, own->lowers);
  auto const shown = mount_both(request);
  return archive::compare_trees(shown.newer, shown.older, request.maps);
}

STRATA_INLINE void Comparer::diff(DiffRequest const& request, archive::TarWriter& to) const {
  if (auto const own = native_trees(request))
    return native_diff(own->tree, own->lowers, to, request.control, request.maps.newer);
  auto const shown = mount_both(request);
  archive::write_changes(shown.newer, archive::compare_trees(shown.newer, shown.older, request.maps), to,
                         request.control, request.maps.newer);
}

STRATA_INLINE std::int64_t Comparer::diff_size(DiffRequest const& request) const {
  if (auto const own = native_trees(request)) return native_size(own->tree);
  auto const shown = mount_both(request);
  return archive::changed_bytes(shown.newer, archive::compare_trees(shown.newer, shown.older, request.maps));
}

STRATA_INLINE auto Comparer::native_trees(DiffRequest const& request) const -> std::optional<Trees> {
  auto const& parent = request.parent;
  auto const layer = places_.dirs.get(request.layer.str());
  auto const below = places_.dirs.lower_ids(layer);
  bool const asked_for_own = parent ? !below.empty() && below.front() == parent->str() : below.empty();
  if (!asked_for_own || !has_plain_trees(places_.dirs, mounter_, layer)) return std::nullopt;
  return Trees{.tree = layer / paths::overlay::diff, .lowers = places_.dirs.trees_below(layer)};
}

STRATA_INLINE auto Comparer::mount_both(DiffRequest const& request) const -> Mounts {
  Mounts shown{.staging = sys::StagingDirectory::create(places_.private_mounts())};
  shown.newer = mount_privately(places_, mounter_, shown.staging, request.layer);
  if (request.parent) shown.older = mount_privately(places_, mounter_, shown.staging, *request.parent);
  return shown;
}

}  // namespace strata::drivers::overlay
