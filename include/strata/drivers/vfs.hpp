#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/trash.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Stores each layer as a full copy of its parent with the layer's changes: `<graph root>/vfs/dir/<id>`.
/// Needs nothing of the kernel; each layer uses the space of all its files, unless the file system shares
/// blocks (reflink: XFS, btrfs).
///
/// The layout is that of containers/storage; trees being built or deleted are in `vfs/tempdirs`, as its
/// releases from 1.59 on expect.
class Vfs {
 public:
  /// Options of the driver.
  struct Options {
    bool ignore_chown_errors = false;         ///< keep owners that cannot be changed
    std::vector<fs::path> image_stores = {};  ///< graph roots of read-only stores

    /// Parses "key=value" texts of storage.conf and the command line. Options with the prefix of another
    /// driver are ignored.
    /// @throws `Errc::driver_option`; its subject is the whole message
    static Options parse(std::vector<std::string> const& key_values);
  };

  using Staged = StagedTree;

  explicit Vfs(DriverPlace const& place) : Vfs(place, Options()) {}
  Vfs(DriverPlace const& place, Options const& options);

  static constexpr std::string_view name() noexcept { return "vfs"; }

  /// Copies the parent: linear in its size, or in its number of files if these can share blocks.
  Staged stage(StageRequest const& request);

  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request);

  void publish(LayerId const& id, Staged staged);
  void replace(LayerId const& id, Staged& staged);
  Trash remove(LayerId const& id);

  bool exists(LayerId const& id) const { return trees_.find(id).has_value(); }
  /// Layers of the own home, without those of image stores.
  std::vector<LayerId> list() const { return trees_.list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const;

  /// Files that cannot be removed are left for the next call.
  void recover();

  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const { return trees_.changes(request); }
  void diff(DiffRequest const& request, archive::TarWriter& to) const { trees_.diff(request, to); }
  std::int64_t diff_size(DiffRequest const& request) const { return trees_.diff_size(request); }

  /// False: trees are mounted with their owners unchanged.
  static bool shifts(IdMaps const&) noexcept { return false; }

  /// Returns the directory, which is writable whatever `request` says.
  /// @throws `Errc::layer_unknown`; `Errc::unsupported`: a mount option other than "ro"
  fs::path mount(LayerId const& id, MountRequest const& request);
  /// @throws `errno`, "syncfs <path>"
  void unmount(LayerId const& id, Flush flush = Flush::full);
  bool is_mounted(LayerId const& id) const { return exists(id); }
  fs::path mount_path(LayerId const& id) const { return trees_.find(id).value_or(trees_.own(id)); }

  /// Reports a missing directory; one in an image store does not replace it.
  std::vector<Problem> inspect(LayerId const& id, std::optional<std::vector<LayerId>> const&) const;
  std::optional<OwnTree> own_tree(LayerId const& id) const;
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const;
  std::vector<fs::path> image_stores() const { return options_.image_stores; }

 private:
  archive::ApplyOptions how_to_unpack() const;

  static Options with_stores(Options options, DriverPlace const& place);
  static std::optional<WholeTrees::Home> apart(DriverPlace const& place);
  static std::vector<fs::path> others(Options const& options);

  void check_writable() const;

  static void make_root(fs::path const& path);

  fs::path home_;
  Options options_;
  bool read_only_;
  WholeTrees trees_;
};

static_assert(IdMapDriver<Vfs> && InPlaceDriver<Vfs> && OpenableDriver<Vfs> && ImageStoreDriver<Vfs>);
static_assert(OwnTreeDriver<Vfs> && InspectDriver<Vfs> && !RepairDriver<Vfs> && UsageDriver<Vfs>);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/vfs.ipp>
#endif
