#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/features.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mount.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/shifted_mount.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Mounts the layers of a home: determines the layers below, the options, whether the kernel or a mount
/// program mounts, and the owners that are shown. Thread-safe, except for `choose_program`.
class Mounter {
 public:
  /// @param home        working directory of a mount program
  /// @param user_xattr  the kernel's attributes are "user.overlay.*"
  Mounter(fs::path home, Features features, Options const& options, bool user_xattr);

  /// Selects what mounts: the configured program; the one with which layers were written; the kernel; or, if
  /// that lets only root mount overlays, fuse-overlayfs, as in containers/storage. Records in the home if it
  /// is a program.
  /// @throws `Errc::driver_unusable`, with the kernel's reason; `errno`
  void choose_program(LayerDirs const& dirs);

  bool by_program() const noexcept { return !program_.empty(); }
  Features const& features() const noexcept { return features_; }

  bool can_be_volatile() const { return by_program() || features_.volatile_mounts(); }

  /// True if mounts can show other owners: by a mount program if the maps are one offset, by Linux from 5.19
  /// on, unless the environment variable `_CONTAINERS_OVERLAY_DISABLE_IDMAP` is "yes" (as in
  /// containers/storage).
  bool shifts(IdMaps const& maps) const;

  /// Options of a mount for which `asked` was given; the configured ones if that is empty.
  std::vector<std::string> options(std::vector<std::string> const& asked = {}) const;

  /// Plans the mount of a layer, without a target.
  /// @param layer     directory of the layer
  /// @param writable  false: mounts read-only whatever the request says, and creates nothing in the layer
  /// @throws `Errc::parent_unknown`; `Errc::unsupported` for more than 500 layers, or to write to a composefs
  ///   layer; `errno`
  MountPlan plan(LayerDirs const& dirs, fs::path const& layer, bool writable,
                 MountRequest const& request) const;

  /// @throws `errno`; EBUSY with the processes that use the layer; `Errc::driver_unusable`: the mount program
  ///   failed; `Errc::unsupported`: a composefs layer with a mount program
  void mount(MountPlan plan) const;

  /// As above, with the layers below showing the owners that a container with these maps sees.
  /// @param layer  directory of the layer
  void mount_shifted(MountPlan plan, fs::path const& layer, IdMaps const& maps) const;

  /// As `sys::unmount`, but with fuse's own program for mounts of a mount program, if it is installed.
  void unmount(fs::path const& target, Flush level) const;

 private:
  /// The kernel flushes when the mount is removed, but does not report errors. Volatile mounts are flushed by
  /// neither; a mount whose program has died cannot be opened.
  static void flush(fs::path const& target);

  static constexpr std::size_t most_lowers = 500;  // the kernel's OVL_MAX_STACK

  void note_program(LayerDirs const& dirs);

  void mount_by_program(MountPlan plan) const;

  template <class Mount>
  void mount_by_kernel(MountPlan& plan, Mount const& mount) const {
    plan.user_xattr = user_xattr_;
    try {
      mount(plan);
    } catch (Error const& error) {
      if (error.code() != std::errc::device_or_resource_busy) throw;
      errno = EBUSY;  // another overlay, possibly in another mount namespace, has the same upper directory
      sys::throw_busy("mount overlay", plan.upper.empty() ? plan.target : plan.upper.parent_path());
    }
  }

  fs::path home_;
  Features features_;
  fs::path program_;  ///< empty: the kernel mounts
  bool force_mask_;
  bool user_xattr_;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/mounter.ipp>
#endif
