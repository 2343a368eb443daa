#pragma once

#include <strata/id.hpp>

#include <cstdint>
#include <set>
#include <string>

namespace strata {

/// Ids, ascending.
struct ParentOwners {
  std::set<std::int64_t> uids = {};
  std::set<std::int64_t> gids = {};
};

/// Owners of the directories above a layer's mount point that are outside the layer's maps; processes inside
/// may need them mapped to reach it. Empty if the layer has no maps.
/// @throws `Errc::layer_not_mounted`; `Errc::invalid_mappings` if the maps have no root
template <class Core>
ParentOwners layer_parent_owners(Core& core, LayerId const& id);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/parent_owners.hpp>
#endif
