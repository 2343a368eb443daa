#pragma once

#include <strata/fs.hpp>
#include <strata/id.hpp>

#include <memory>
#include <system_error>
#include <utility>

namespace strata {

/// One mount of a layer; unmounts when destroyed.
template <class Core>
class [[nodiscard]] MountPoint {
 public:
  MountPoint(std::shared_ptr<Core> core, LayerId layer, fs::path path)
      : core_(std::move(core)), layer_(std::move(layer)), path_(std::move(path)) {}
  MountPoint(MountPoint&&) noexcept = default;
  MountPoint& operator=(MountPoint&& other) noexcept;
  ~MountPoint();

  fs::path const& path() const noexcept { return path_; }

  /// True until the mount is given up, by `unmount` or `keep`, or moved from.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// Unmounts now. The destructor does the same, but cannot report errors such as a failed flush of written
  /// data. No effect if the mount was given up before.
  /// @throws as `unmount_layer`; this object gives up the mount in any case
  void unmount();
  /// The same without exceptions. @param error  set to the failure, or cleared
  void unmount(std::error_code& error) noexcept;

  /// Leaves the layer mounted. Any process can drop the mount with `unmount`.
  fs::path keep();

 private:
  void release() noexcept;

  std::shared_ptr<Core> core_;
  LayerId layer_;
  fs::path path_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/mount_point.hpp>
#endif
