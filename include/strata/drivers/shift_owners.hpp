#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/sys/chown_tree.hpp>
#include <strata/sys/fd.hpp>

#include <sys/types.h>
#include <unistd.h>

/// Changes owners in trees that are being built.
namespace strata::drivers {

/// True if the files of the parent, or of the copied layer, have owners other than those of the new layer.
inline bool has_other_owners(StageRequest const& request) {
  return (request.parent || request.copy_of) && request.maps != request.parent_maps;
}

/// Changes all owners in a tree to those of the new layer's maps, on several threads. The root of the tree is
/// left unchanged, as in containers/storage.
/// @param relink  as in `sys::ChownOptions`
/// @throws `Errc::invalid_mappings`: an owner that the parent's maps do not have; `Errc::stopped`; `errno`
inline void shift_owners(fs::path const& tree, StageRequest const& request, bool relink = false) {
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

/// Gives one file or directory to the root of the maps; no effect without maps.
inline void give_to_root(fs::path const& path, IdMaps const& maps) {
  if (maps.empty()) return;
  auto const root = idmap::root_of(maps);
  if (::lchown(path.c_str(), static_cast<uid_t>(root.uid), static_cast<gid_t>(root.gid)) != 0)
    sys::throw_errno("chown", path);
}

}  // namespace strata::drivers
