#pragma once

#include <strata/drivers/shift_owners.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/sys/chown_tree.hpp>
#include <strata/sys/fd.hpp>

namespace strata::drivers {

STRATA_INLINE bool has_other_owners(StageRequest const& request) {
  return (request.parent || request.copy_of) && request.maps != request.parent_maps;
}

STRATA_INLINE void shift_owners(fs::path const& tree, StageRequest const& request, bool relink) {
  if (!has_other_owners(request)) return;
  idmap::Shift const shift(request.parent_maps, request.maps);
  sys::chown_tree(tree,
                  {.owner =
                       [&](sys::FileOwner old) {
                         auto const now = shift({old.uid, old.gid});
                         return sys::FileOwner{static_cast<uid_t>(now.uid), static_cast<gid_t>(now.gid)};
                       },
                   .relink = relink,
                   .control = request.control});
}

STRATA_INLINE void give_to_root(fs::path const& path, IdMaps const& maps) {
  if (maps.empty()) return;
  auto const root = idmap::root_of(maps);
  if (::lchown(path.c_str(), static_cast<uid_t>(root.uid), static_cast<gid_t>(root.gid)) != 0)
    sys::throw_errno("chown", path);
}

}  // namespace strata::drivers
