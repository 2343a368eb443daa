#pragma once

#include <strata/idmap/shift.hpp>

namespace strata::idmap {

STRATA_INLINE Owner Shift::operator()(Owner const& owner) const {
  auto uid = to_container(from_.uids, owner.uid);
  auto gid = to_container(from_.gids, owner.gid);
  if (!uid || !gid) {
    if (owner.uid != 0 || owner.gid != 0)
      throw Error(Errc::invalid_mappings, "owner " + std::to_string(owner.uid) + ':' +
                                              std::to_string(owner.gid) +
                                              " cannot be mapped to container IDs");
    uid = gid = 0;
  }
  return {to_host(to_.uids, *uid).value_or(overflow_id), to_host(to_.gids, *gid).value_or(overflow_id)};
}

}  // namespace strata::idmap
