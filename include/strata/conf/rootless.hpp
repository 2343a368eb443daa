#pragma once

#include <strata/conf/host.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/sys/enter_userns.hpp>

#include <cstdint>
#include <cstdlib>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <vector>

/// How an ordinary user gets to open a store: as root of a user namespace, as containers/storage does it.
namespace strata::conf {

/// Has somebody already put this process where it is root, for a user that is not?
inline bool in_own_namespace(Host const& host) { return ::geteuid() == 0 && host.uid != 0; }

/// Moves this process into a user namespace of its own, unless it is in one already: an ordinary user is root there, followed
/// by their subordinate ids in order; root keeps all ids. The environment then says so to container programs
/// that are started from there. Each process gets a namespace of its own, as from containers-storage: what one mounts,
/// others do not see.
///
/// To be called while there is but one thread.
/// @return  warnings for the user
/// @throws  `errno`
inline std::vector<std::string> enter_own_namespace(Host const& host) {
  if (in_own_namespace(host)) return {};
  auto const uid = ::geteuid();
  auto const gid = ::getegid();
  std::vector<std::string> warnings;
  IdMaps maps;
  if (uid == 0) {
    maps = sys::identity_maps();
  } else {
    auto const* const entry = ::getpwuid(uid);
    std::string const name = entry == nullptr ? std::to_string(uid) : entry->pw_name;
    auto const own = [&](std::uint32_t id, std::string_view file, std::string_view kind) {
      auto const ranges = idmap::subordinate_ranges(std::filesystem::path(file), name, uid);
      if (ranges.empty())
        warnings.push_back("Found no " + std::string(kind) + " ranges set staging for user \"" + name +
                           "\" in " + std::string(file) + '.');
      IdMap map{{0, id, 1}};
      for (auto const& range : ranges) map.push_back({range.container_id + 1, range.host_id, range.size});
      return map;
    };
    maps.uids = own(uid, idmap::subuid_file, "UID");
    maps.gids = own(gid, idmap::subgid_file, "GID");
  }
  auto more = sys::enter_user_namespace(maps);
  warnings.insert(warnings.end(), more.begin(), more.end());
  ::setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
  ::setenv("_CONTAINERS_ROOTLESS_UID", std::to_string(uid).c_str(), 1);
  ::setenv("_CONTAINERS_ROOTLESS_GID", std::to_string(gid).c_str(), 1);
  ::setenv("BUILDAH_ISOLATION", "rootless", 0);
  return warnings;
}

}  // namespace strata::conf
