#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Computes what a layer changed: from its own tree if it is compared with its parent, otherwise by comparing
/// two mounts.
class Comparer {
 public:
  /// Keeps references to both.
  Comparer(MountPlaces const& places, Mounter const& mounter) : places_(places), mounter_(mounter) {}

  /// As `DiffDriver::changes`.
  std::vector<Change> changes(DiffRequest const& request) const;
  void diff(DiffRequest const& request, archive::TarWriter& to) const;
  std::int64_t diff_size(DiffRequest const& request) const;

 private:
  /// A layer's own tree and those below it.
  struct Trees {
    fs::path tree;
    std::vector<fs::path> lowers = {};
  };

  /// None if the layer's own tree does not suffice: another parent was asked for, or another program wrote
  /// the tree.
  std::optional<Trees> native_trees(DiffRequest const& request) const;

  /// Mounts two layers in private places while the object exists.
  struct Mounts {
    sys::StagingDirectory staging;
    fs::path newer = {};
    std::optional<fs::path> older = {};
  };
  Mounts mount_both(DiffRequest const& request) const;

  MountPlaces places_;
  Mounter const& mounter_;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/comparer.ipp>
#endif
