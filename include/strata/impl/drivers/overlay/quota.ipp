#pragma once

#include <strata/drivers/option_text.hpp>
#include <strata/drivers/overlay/backing.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/paths.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE std::uint32_t project_base(fs::path const& home) {
  if (auto const own = sys::project_of(home); own != 0) return own;
  struct stat status {};
  if (::stat(home.c_str(), &status) != 0) sys::throw_errno("stat", home);
  constexpr std::uint64_t numbers_each = 10000;
  return static_cast<std::uint32_t>(numbers_each +
                                    status.st_ino * numbers_each % (0xFFFF'FFFFU - numbers_each));
}

STRATA_INLINE std::uint32_t next_project(fs::path const& home) {
  auto next = project_base(home) + 1;
  auto const fd = sys::open_at(AT_FDCWD, home, O_RDONLY | O_DIRECTORY);
  for (auto const& entry : sys::read_directory(fd.get(), home))
    if (sys::is_directory(fd.get(), entry)) next = std::max(next, sys::project_of(home / entry.name) + 1);
  return next;
}

STRATA_INLINE void require_quotas(fs::path const& home) {
  auto const backing = backing_name(home);
  try {
    auto const node = home / paths::overlay::backing_device;
    sys::make_device_node(node, home);
    sys::limit_project(node, project_base(home), {});
  } catch (Error const& error) {
    if (backing == "xfs")
      reject_option(
          "storage options overlay.size and overlay.inodes not supported. Filesystem does not support "
          "Project "
          "Quota: " +
          std::string(error.what()));
    reject_option("storage option overlay.size and overlay.inodes only supported for backingFS XFS. Found " +
                  backing);
  }
}

STRATA_INLINE void limit_layer(fs::path const& home, fs::path const& layer,
                               sys::ProjectLimits const& limits) {
  auto const project = next_project(home);
  sys::limit_project(home / paths::overlay::backing_device, project, limits);
  sys::set_project(layer, project);
}

STRATA_INLINE void join_project(fs::path const& layer, fs::path const& tree) {
  auto const project = sys::project_of(layer);
  if (project != 0 && sys::project_of(tree) != project) sys::set_project(tree, project);
}

}  // namespace strata::drivers::overlay
