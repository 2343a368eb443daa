#pragma once

#include <strata/store/mount.hpp>
#include <strata/store/mount_point.hpp>

namespace strata {

template <class Core>
auto MountPoint<Core>::operator=(MountPoint&& other) noexcept -> MountPoint& {
  if (this == &other) return *this;
  release();
  core_ = std::move(other.core_);
  layer_ = std::move(other.layer_);
  path_ = std::move(other.path_);
  return *this;
}

template <class Core>
MountPoint<Core>::~MountPoint() {
  release();
}

template <class Core>
void MountPoint<Core>::unmount() {
  // Else there is no mount, but this class is instantiated with the others of a store.
  if constexpr (MountDriver<typename Core::Driver>)
    if (auto const core = std::exchange(core_, nullptr)) unmount_layer(*core, layer_, {});
}

template <class Core>
void MountPoint<Core>::unmount(std::error_code& error) noexcept {
  error.clear();
  try {
    unmount();
  } catch (...) {
    error = handled_code();
  }
}

template <class Core>
fs::path MountPoint<Core>::keep() {
  core_.reset();
  return path_;
}

template <class Core>
void MountPoint<Core>::release() noexcept {
  std::error_code unreported;  // `mounted` shows what is still mounted
  unmount(unreported);
}

}  // namespace strata
