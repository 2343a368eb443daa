#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mount.hpp>
#include <strata/drivers/shift_owners.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/apply_options.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {
class Applier;
}

namespace strata::drivers::overlay {

/// A complete layer directory being built in a staging directory: `diff`, `link`, `lower`, `lower-layers`,
/// `work`, `merged`, `empty`. Published by one rename.
class StagedLayer {
 public:
  /// Call `start` before adding entries. A copy of a layer with other owners is stored as changes to that
  /// layer.
  StagedLayer(LayerDirs const& dirs, StageRequest const& request,
              std::optional<std::uint32_t> const& force_mask = {});
  StagedLayer(StagedLayer&&) noexcept;
  StagedLayer& operator=(StagedLayer&&) noexcept;
  ~StagedLayer();

  /// @param apply  its `below` is set here
  void start(archive::ApplyOptions apply, LayerDirs const& dirs);

  /// Changes the owners of the files of the layers below as requested, through a mount of those layers: the
  /// kernel copies up what changes, sharing blocks if the file system can. `diff` then becomes `diff1`, the
  /// nearest tree below, and a new `diff` receives the layer's changes.
  /// @param plan   lowers, options and target
  /// @param mount  called with the completed plan
  template <class Mount>
  void change_owners(MountPlan plan, StageRequest const& request, Mount&& mount) {
    plan.upper = diff();
    plan.work = layer_ / paths::overlay::work;
    mount(plan);
    try {
      shift_owners(plan.target, request, true);
    } catch (...) {
      sys::unmount(plan.target);
      throw;
    }
    sys::unmount(plan.target);
    rotate();
  }

  /// Refers to the files of an additional layer store from now on, and takes no entries.
  void stand_for(AdditionalTree const& tree);
  /// Path of the additional layer; empty for a layer with files of its own.
  fs::path const& additional() const noexcept { return additional_; }

  void add(archive::TarHeader const& header, Reader& body);

  void finish();

  fs::path const& layer() const noexcept { return layer_; }
  /// Home in which the layer will be published.
  fs::path const& home() const noexcept { return home_; }
  fs::path diff() const { return layer_ / paths::overlay::diff; }
  std::string const& link() const noexcept { return link_; }
  std::optional<LayerId> const& parent() const noexcept { return parent_; }
  Flush flush() const noexcept { return flush_; }
  bool writable() const noexcept { return writable_; }

  /// Checks, with the store's lock held, that the parent is still the one over which the layer was built.
  /// Writes the lists if links were lost, after repairing these.
  /// @throws `Errc::layer_unknown`
  void settle_parent(LayerDirs const& dirs);

 private:
  /// `work` is replaced, since it may refer to the old tree.
  void rotate() const;

  static void make(fs::path const& path, mode_t mode);

  /// @param mode  independent of the umask
  void make_owned(std::string_view name, mode_t mode) const;

  /// Readable by everyone, as a container's root must be; over a parent, with the mode and owner of its root.
  /// These are in an attribute if modes are forced; the attribute is read in either case.
  void make_diff(std::optional<fs::path> const& parent, std::optional<std::uint32_t> const& force_mask) const;

  void write(std::string_view name, std::string_view text) const;
  void write_lists() const;

  std::optional<LayerId> parent_;
  IdMaps maps_;
  bool writable_;
  fs::path home_;
  fs::path additional_ = {};
  Flush flush_;
  Control control_;
  sys::StagingDirectory directory_;
  fs::path layer_;
  fs::path original_ = {};  ///< the layer whose contents `diff` is to replace
  std::string link_;
  std::optional<std::string> parent_link_;
  std::optional<LayerDirs::Lists> lists_;  // none: a link below is lost, or there is no parent
  std::unique_ptr<archive::Applier> applier_;
  bool finished_ = false;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/staged.ipp>
#endif
