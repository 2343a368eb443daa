#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/idmapped_mount.hpp>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

/// Mounts that show layers stored with host ids as a container sees them.
namespace strata::drivers::overlay {

namespace detail {

/// Id-mapped clones of homes, mounted only until an overlay is mounted over them, which keeps its own
/// references.
class MappedHomes {
 public:
  /// @param directory  is created; mounts that a dead process left in it are removed
  MappedHomes(fs::path directory, IdMaps const& maps);
  ~MappedHomes();
  MappedHomes(MappedHomes const&) = delete;
  MappedHomes& operator=(MappedHomes const&) = delete;

  /// Path at which the tree `<home>/<layer>/<name>` appears.
  fs::path operator()(fs::path const& tree);

 private:
  static void make(fs::path const& path);

  fs::path directory_;
  sys::MappedNamespace names_;
  std::map<fs::path, fs::path> clones_;
};

/// Adds options in the syntax of fuse-overlayfs: "uidmapping=:0:100000:65536", or "squash_to_uid=100000" for
/// a map of one id.
void add_program_map(std::vector<std::string>& options, std::string const& which, IdMap const& map);

}  // namespace detail

/// Changes the plan for a mount program, which maps ids itself.
void shift_by_program(MountPlan& plan, IdMaps const& maps);

/// Mounts by the kernel, with the layers below through id-mapped clones of their homes: Linux 5.19. The
/// layer's own tree is not mapped, since a container writes with host ids.
/// @param layer  directory of the layer
/// @throws `Errc::unsupported`: a composefs layer is among them
void mount_shifted(MountPlan plan, fs::path const& layer, IdMaps const& maps);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/shifted_mount.ipp>
#endif
