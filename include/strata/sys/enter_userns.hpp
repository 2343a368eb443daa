#pragma once

#include <strata/error.hpp>
#include <strata/id_map.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

/// Creating a user namespace for the calling process (user_namespaces(7)).
namespace strata::sys {
namespace detail {

/// Maps each id of this namespace to itself.
/// @param file /proc/self/uid_map or gid_map
IdMap identity_map(std::string const& file);

/// The text for /proc/<pid>/uid_map, one line per range. An empty map means all ids, unchanged.
std::string map_text(IdMap const& map);

/// @return 0 or an errno
int write_map(std::string const& path, std::string_view text) noexcept;

/// Sets a map. Runs in the helper process in the old namespace, which may map more than one id or has a
/// program that may.
/// @return an error message, or empty
std::string set_map(pid_t process, char const* which, char const* program, IdMap const& map, bool direct);

}  // namespace detail

/// Maps that leave all ids of this process's namespace unchanged.
IdMaps identity_maps();

/// Moves this process into a new user namespace, with all capabilities in it, and a new mount namespace,
/// whose mounts only it and its children see and which end with the last of them.
///
/// The maps are written directly if this process has the right to (root), else by newuidmap(1) and
/// newgidmap(1). If these refuse, only the caller's own ids are mapped, to 0.
/// @param maps from ids of the new namespace to ids of this one; must include the caller's own
/// @return what was wrong with `maps`, as messages for the user; empty on success
/// @throws `errno`, "unshare user namespace" (EINVAL also for a process with several threads); "write
///   /proc/self/uid_map"
std::vector<std::string> enter_user_namespace(IdMaps const& maps);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/enter_userns.ipp>
#endif
