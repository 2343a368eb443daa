#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/project_quota.hpp>

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

/// Limits of writable layers by project quota: each layer's directory is a project of its own.
namespace strata::drivers::overlay {

/// Number below the project ids of a home's layers: the home's own project id, if an administrator set one,
/// otherwise one derived from its inode, which makes collisions between homes of a file system unlikely
/// (10,000 ids per home, as in containers/storage, drivers/quota).
std::uint32_t project_base(fs::path const& home);

/// One more than the highest project id of the layers.
std::uint32_t next_project(fs::path const& home);

/// Checks that limits can be set on this file system.
/// @throws `Errc::driver_option`; its subject is the whole message, as containers/storage prints it
void require_quotas(fs::path const& home);

/// Sets a project and its limits on a published layer. The store's lock is held, so that no other process
/// takes the same id. The layer of a new container has few entries; one that was filled before publication
/// has all its files traversed here.
void limit_layer(fs::path const& home, fs::path const& layer, sys::ProjectLimits const& limits);

/// Adds a tree that will replace a part of a layer to that layer's project. No effect if it has none, or if
/// this was done before.
void join_project(fs::path const& layer, fs::path const& tree);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/quota.ipp>
#endif
