#pragma once

#include <strata/error.hpp>
#include <strata/idmap/range.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace strata::idmap {

/// Stands for ids that have no number in a namespace (proc(5), /proc/sys/kernel/overflowuid, which hardly anybody
/// changes).
inline constexpr std::int64_t overflow_id = 65534;

/// From the owners that files have with some maps to those that they have with others.
///
/// The host's id becomes the container's by the old map, and that the host's by the new one (as containers/storage
/// does it). Root stays root if the old map does not know it: the store itself makes files as root. What the new map does not have
/// becomes the overflow id.
class Shift {
 public:
  Shift(IdMaps from, IdMaps to) : from_(std::move(from)), to_(std::move(to)) {}

  bool changes_nothing() const noexcept { return from_ == to_; }

  /// @throws `Errc::invalid_mappings`: an id other than root's that the old maps do not have
  Owner operator()(Owner const& owner) const {
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

 private:
  IdMaps from_;
  IdMaps to_;
};

}  // namespace strata::idmap
