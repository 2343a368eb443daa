#pragma once

#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/idmap/range.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/parent_owners.hpp>
#include <strata/sys/fd.hpp>

#include <sys/stat.h>

namespace strata {

template <class Core>
ParentOwners layer_parent_owners(Core& core, LayerId const& id) {
  ParentOwners out;
  auto const layer = core.template read_view<typename Core::LayerTraits>().get(Ref::exactly(id.str()));
  auto const maps = maps_of(*layer);
  if (maps.empty()) return out;
  auto const place = layer_mounted_at(core, id);
  if (!place)
    throw Error(Errc::layer_not_mounted, "layer \"" + id.str() + '"').about(Subject::layer, id.str());
  idmap::root_of(maps);
  auto const note = [&](struct stat const& status) {
    if (!idmap::to_container(maps.uids, status.st_uid)) out.uids.insert(status.st_uid);
    if (!idmap::to_container(maps.gids, status.st_gid)) out.gids.insert(status.st_gid);
  };
  for (auto directory = place->parent_path(); directory.has_relative_path();
       directory = directory.parent_path()) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) sys::throw_errno("stat", directory);
    note(status);
    if (::lstat(directory.c_str(), &status) != 0) sys::throw_errno("lstat", directory);
    note(status);
  }
  return out;
}

}  // namespace strata
