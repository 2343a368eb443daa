#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/trash.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Stores each layer as a btrfs subvolume, a writable snapshot of its parent with the layer's changes:
/// `<graph root>/btrfs/subvolumes/<id>`. A layer uses space only for its changes.
///
/// The layout is that of containers/storage, which creates and deletes subvolumes in place; this driver does
/// so in `btrfs/tempdirs`, which containers/storage does not look at, and moves them by one rename. Needs the
/// privileges to mount and to delete subvolumes.
class Btrfs {
 public:
  /// Options of the driver.
  struct Options {
    std::uint64_t size = 0;       ///< limit in bytes for what a writable layer refers to; 0: unlimited
    std::uint64_t min_space = 0;  ///< least `size` accepted, in bytes; if set, quotas are enabled at once

    /// Parses "key=value" texts of storage.conf and the command line. Options with the prefix of another
    /// driver are ignored.
    /// @throws `Errc::driver_option`; its subject is the whole message
    static Options parse(std::vector<std::string> const& key_values);
  };

  /// A subvolume being built, and its limit.
  class Staged : public StagedTree {
   private:
    friend class Btrfs;
    Staged(StagedTree tree, std::uint64_t size) : StagedTree(std::move(tree)), size_(size) {}
    std::uint64_t size_;
  };

  explicit Btrfs(DriverPlace const& place) : Btrfs(place, Options()) {}

  /// Creates the home, and bind-mounts it privately onto itself.
  /// @throws `Errc::driver_unusable` if it is not on btrfs; `errno`
  Btrfs(DriverPlace const& place, Options const& options);

  static constexpr std::string_view name() noexcept { return "btrfs"; }

  /// Takes some milliseconds whatever the size of the parent: the kernel commits the current transaction.
  /// @throws `Errc::driver_option`: the limit of a writable layer is below the accepted minimum
  Staged stage(StageRequest const& request);

  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request);

  void publish(LayerId const& id, Staged staged);

  /// The limit is that of the layer that the staged contents were copied from.
  void replace(LayerId const& id, Staged& staged);

  Trash remove(LayerId const& id);

  bool exists(LayerId const& id) const { return trees_.find(id).has_value(); }
  std::vector<LayerId> list() const { return trees_.list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const;

  /// Files that cannot be removed are left for the next call.
  void recover();

  /// Empty, as in containers/storage built with "btrfs_noversion": its entries are versions of a library that
  /// is not used here.
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const { return trees_.changes(request); }
  void diff(DiffRequest const& request, archive::TarWriter& to) const { trees_.diff(request, to); }
  std::int64_t diff_size(DiffRequest const& request) const { return trees_.diff_size(request); }

  /// False: trees are mounted with their owners unchanged.
  static bool shifts(IdMaps const&) noexcept { return false; }

  /// Returns the directory, which is writable whatever `request` says, and sets a recorded limit again, since
  /// quotas may have been disabled meanwhile.
  /// @throws `Errc::layer_unknown`; `Errc::unsupported`: a mount option other than "ro"
  fs::path mount(LayerId const& id, MountRequest const& request);
  /// @throws `errno`, "syncfs <path>"
  void unmount(LayerId const& id, Flush flush = Flush::full);
  bool is_mounted(LayerId const& id) const { return exists(id); }
  fs::path mount_path(LayerId const& id) const { return trees_.own(id); }

  std::optional<OwnTree> own_tree(LayerId const& id) const { return trees_.own_tree(id, true); }
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const;

  /// Removes the private mount of the home; the mount of a file system of its own stays.
  void shutdown() { sys::undo_private(home_); }
  void resume();

 private:
  fs::path quota(LayerId const& id) const { return home_ / paths::btrfs::quotas / id.str(); }

  void check_writable() const;

  /// Copies a layer that is not a subvolume, such as one restored from a backup.
  static void make(fs::path const& tree, std::optional<fs::path> const& from, Control const& control);

  std::uint64_t limit_for(StageRequest const& request) const;

  /// 0 if there is none, or if it cannot be read.
  std::uint64_t recorded_limit(LayerId const& id) const;

  fs::path home_;
  Options options_;
  bool read_only_;
  WholeTrees trees_;
};

static_assert(IdMapDriver<Btrfs> && InPlaceDriver<Btrfs> && OpenableDriver<Btrfs> && ShutdownDriver<Btrfs>);
static_assert(OwnTreeDriver<Btrfs> && UsageDriver<Btrfs>);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/btrfs.ipp>
#endif
