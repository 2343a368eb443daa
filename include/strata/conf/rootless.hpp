#pragma once

#include <strata/conf/host.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/sys/enter_userns.hpp>

#include <cstdint>
#include <cstdlib>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <vector>

/// User namespaces for stores of ordinary users, as containers/storage sets them up.
namespace strata::conf {

/// True if another program already started this process as root of a user namespace for an ordinary user.
inline bool in_own_namespace(Host const& host) { return ::geteuid() == 0 && host.uid != 0; }

/// Moves this process into a new user namespace, unless it is in one already.
///
/// An ordinary user becomes root there, followed by the user's subordinate ids in order; root keeps all ids.
/// Sets the environment variables that tell container programs started from here. As with containers-storage,
/// each process gets its own namespace: other processes do not see its mounts. Must be called while the
/// process has a single thread.
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
      auto const ranges = idmap::subordinate_ranges(fs::path(file), name, uid);
      if (ranges.empty())
        warnings.push_back("Found no " + std::string(kind) + " ranges set aside for user \"" + name +
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
