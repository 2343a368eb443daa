#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/read_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mount_places.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/staged.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/layer_tree.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers {

namespace overlay {
class Comparer;
class LayerFiles;
}  // namespace overlay

/// Stores layers as upper and lower directories of overlayfs, in the layout of containers/storage (up to
/// release 1.63).
///
/// The tree of a mounted layer cannot be replaced as a whole (`Errc::layer_used_by_container`), since the
/// kernel keeps using the old directory. Layers of `image_stores` can be parents, and be mounted read-only,
/// below the run root. Needs the privileges to mount.
class Overlay {
 public:
  using Options = overlay::Options;
  using Staged = overlay::StagedLayer;

  static constexpr std::string_view name() noexcept { return "overlay"; }

  /// Creates the home and, unless disabled, bind-mounts it privately. Features of the kernel are looked up in
  /// the run root, and probed only if unknown.
  /// @throws `Errc::driver_unusable`, with the kernel's reason; `errno`
  Overlay(DriverPlace const& place, Options const& options);
  Overlay(Overlay&&) noexcept;
  Overlay& operator=(Overlay&&) noexcept;
  ~Overlay();

  Staged stage(StageRequest const& request);

  /// Unpacks into the upper directory of the mount, if there is one.
  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request);

  /// @throws also `Errc::invalid_id` for the few names that have another meaning in the home
  void publish(LayerId const& id, Staged staged);

  /// @throws `Errc::layer_unknown`; `Errc::layer_used_by_container` if the layer is mounted
  void replace(LayerId const& id, Staged& staged);

  Trash remove(LayerId const& id);

  bool exists(LayerId const& id) const { return dirs_.find(id.str()).has_value(); }

  std::vector<fs::path> image_stores() const { return options_.image_stores; }

  std::optional<AdditionalTree> find_additional(std::string_view digest, std::string_view reference) const;
  Staged stage_additional(AdditionalTree const& tree, StageRequest const& request);

  /// Layers of the own homes, without those of read-only stores.
  std::vector<LayerId> list() const;

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const;

  /// Removes what dead processes left in staging directories. What cannot be removed is left for the next
  /// call. Needs no lock.
  void recover();

  /// The keys are those of `containers-storage status`.
  std::vector<std::pair<std::string, std::string>> status() const;

  /// Reads the layer's own tree if the parent is the layer's own; otherwise compares trees.
  std::vector<Change> changes(DiffRequest const& request) const;
  void diff(DiffRequest const& request, archive::TarWriter& to) const;
  std::int64_t diff_size(DiffRequest const& request) const;

  /// True on Linux from 5.19 on, and for a mount program if the maps are one offset; see
  /// `overlay::Mounter::shifts`.
  bool shifts(IdMaps const& maps) const { return mounter_.shifts(maps); }

  /// @throws `Errc::layer_unknown`, `Errc::parent_unknown`; `Errc::unsupported` above 500 layers; `errno`
  fs::path mount(LayerId const& id, MountRequest const& request);

  void unmount(LayerId const& id, Flush flush = Flush::full);
  bool is_mounted(LayerId const& id) const;

  /// See `overlay::MountPlaces`.
  fs::path mount_path(LayerId const& id) const;

  std::vector<Problem> inspect(LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) const;
  std::vector<std::string> repair(LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors);
  std::optional<std::vector<LayerId>> ancestors(LayerId const& id) const;
  std::optional<OwnTree> own_tree(LayerId const& id) const;
  std::optional<LayerTree> read_tree(LayerId const& id, ReadMaps const& maps) const;
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const;

  /// Removes the private mount of the home; the mount of a file system of its own stays. Also removes what
  /// partial pulls of other programs left.
  void shutdown();
  void resume();

 private:
  fs::path const& home() const { return dirs_.home(); }
  fs::path temp_dirs() const { return home() / paths::overlay::temp_dirs; }
  overlay::MountPlaces mount_places() const;
  overlay::Comparer comparer() const;
  archive::ApplyOptions how_to_unpack() const;

  void check_writable() const;

  /// Layers of composefs cannot be changed.
  static void check_own_tree(fs::path const& layer);

  void shift(Staged& staged, StageRequest const& request) const;

  Options options_;
  archive::OverlayXattr marks_ = archive::OverlayXattr::here();
  bool read_only_;
  overlay::LayerDirs dirs_;
  fs::path run_home_;
  overlay::Mounter mounter_;
  std::unique_ptr<overlay::LayerFiles> files_;
};

static_assert(IdMapDriver<Overlay> && InPlaceDriver<Overlay> && LayerStoreDriver<Overlay>);
static_assert(OwnTreeDriver<Overlay> && LineageDriver<Overlay> && RepairDriver<Overlay> &&
              UsageDriver<Overlay>);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay.ipp>
#endif
