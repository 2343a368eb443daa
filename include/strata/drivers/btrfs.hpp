#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/option_text.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/sys/btrfs.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/applier.hpp>

#include <cerrno>
#include <charconv>
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
  Btrfs(DriverPlace const& place, Options const& options)
      : home_(sys::absolute(place.graph_root) / name()),
        options_(options),
        read_only_(place.read_only),
        trees_(home_ / paths::btrfs::subvolumes, home_ / paths::btrfs::temp_dirs) {
    if (read_only_) return;
    sys::make_directories(home_.parent_path(), 0700);
    if (!sys::btrfs::is_btrfs(home_.parent_path()))
      throw Error(Errc::driver_unusable, "\"" + home_.native() + "\" is not on a btrfs filesystem");
    sys::make_directories(trees_.directory(), 0700, Flush::full);
    resume();
    if (options_.min_space != 0) sys::btrfs::enable_quota(home_);
  }

  static constexpr std::string_view name() noexcept { return "btrfs"; }

  /// Takes some milliseconds whatever the size of the parent: the kernel commits the current transaction.
  /// @throws `Errc::driver_option`: the limit of a writable layer is below the accepted minimum
  Staged stage(StageRequest const& request) {
    check_writable();
    auto const from = trees_.origin(request);
    auto const size = limit_for(request);
    return Staged(StagedTree(trees_.temp_dirs(), request,
                             trees_.how_to_unpack(request, {.whiteouts = archive::Whiteouts::execute}),
                             [&](fs::path const& tree) {
                               make(tree, from, request.control);
                               if (size == 0) return;
                               sys::btrfs::enable_quota(home_);
                               sys::btrfs::limit(tree, size);
                             }),
                  size);
  }

  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) {
    check_writable();
    if (!exists(id)) throw Error(Errc::layer_unknown, "layer " + id.str());
    return InPlaceTree(trees_.own(id), request, {.whiteouts = archive::Whiteouts::execute});
  }

  void publish(LayerId const& id, Staged staged) {
    check_writable();
    trees_.publish(id, staged);
    if (staged.size_ == 0) return;
    try {
      sys::make_directories(quota(id).parent_path(), 0700, staged.flush());
      sys::replace_file(quota(id), std::to_string(staged.size_), {.mode = 0644, .flush = staged.flush()});
    } catch (Error const&) {
      ::rename(trees_.own(id).c_str(), staged.tree().c_str());
      throw;
    }
  }

  /// The limit is that of the layer that the staged contents were copied from.
  void replace(LayerId const& id, Staged& staged) {
    check_writable();
    trees_.replace(id, staged);
  }

  Trash remove(LayerId const& id) {
    check_writable();
    sys::remove_file(quota(id));
    return trees_.remove(id);
  }

  bool exists(LayerId const& id) const { return trees_.find(id).has_value(); }
  std::vector<LayerId> list() const { return trees_.list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    trees_.copy_file(id, file, to);
  }

  /// Files that cannot be removed are left for the next call.
  void recover() {
    if (!read_only_) sys::StagingDirectory::recover(trees_.temp_dirs());
  }

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
  fs::path mount(LayerId const& id, MountRequest const& request) {
    for (auto const& option : request.options)
      if (option != "ro") throw Error(Errc::unsupported, "btrfs driver does not support mount options");
    auto path = trees_.get(id);
    if (auto const size = recorded_limit(id); size != 0 && size >= options_.min_space && !read_only_) {
      sys::btrfs::enable_quota(home_);
      sys::btrfs::limit(path, size);
    }
    return path;
  }
  /// @throws `errno`, "syncfs <path>"
  void unmount(LayerId const& id, Flush flush = Flush::full) {
    if (flush == Flush::none) return;
    if (auto const tree = trees_.find(id)) sys::flush_file_system(*tree);
  }
  bool is_mounted(LayerId const& id) const { return exists(id); }
  fs::path mount_path(LayerId const& id) const { return trees_.own(id); }

  std::optional<OwnTree> own_tree(LayerId const& id) const { return trees_.own_tree(id, true); }
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const {
    return trees_.ownership(home_, known);
  }

  /// Removes the private mount of the home; the mount of a file system of its own stays.
  void shutdown() { sys::undo_private(home_); }
  void resume() {
    if (!sys::is_mount_point(home_)) recover();  // as in `Overlay`
    sys::make_private(home_);
  }

 private:
  fs::path quota(LayerId const& id) const { return home_ / paths::btrfs::quotas / id.str(); }

  void check_writable() const {
    if (read_only_) throw Error(Errc::store_read_only, home_.native());
  }

  /// Copies a layer that is not a subvolume, such as one restored from a backup.
  static void make(fs::path const& tree, std::optional<fs::path> const& from, Control const& control) {
    if (from && sys::btrfs::is_subvolume(*from)) return sys::btrfs::snapshot(*from, tree);
    sys::btrfs::create_subvolume(tree);
    if (::chmod(tree.c_str(), 0555) != 0) sys::throw_errno("chmod", tree);
    if (from) sys::copy_tree(*from, tree, {.control = control});
  }

  std::uint64_t limit_for(StageRequest const& request) const {
    if (request.copy_of) return recorded_limit(*request.copy_of);
    if (!request.writable || options_.size == 0) return 0;
    if (options_.size < options_.min_space)
      reject_option("btrfs: storage size cannot be less than " + human_size(options_.min_space));
    return options_.size;
  }

  /// 0 if there is none, or if it cannot be read.
  std::uint64_t recorded_limit(LayerId const& id) const {
    auto const text = sys::read_stored(quota(id));
    std::uint64_t size = 0;
    if (!text) return 0;
    auto const end = text->data() + text->size();
    auto const [at, error] = std::from_chars(text->data(), end, size);
    return error == std::errc() && at == end ? size : 0;
  }

  fs::path home_;
  Options options_;
  bool read_only_;
  WholeTrees trees_;
};

inline Btrfs::Options Btrfs::Options::parse(std::vector<std::string> const& key_values) {
  Options options;
  for (auto const& text : key_values) {
    auto const option = own_option(text, {"btrfs."});
    if (!option) continue;
    if (option->key == "min_space")
      options.min_space = parse_size(option->value);
    else if (option->key == "size")
      options.size = parse_size(option->value);
    else if (option->key == "mountopt")
      reject_option("btrfs driver does not support mount options");
    else
      reject_option("unknown option " + lower_case(option->given) + " (\"" + text + "\")");
  }
  return options;
}

static_assert(IdMapDriver<Btrfs> && InPlaceDriver<Btrfs> && OpenableDriver<Btrfs> && ShutdownDriver<Btrfs>);
static_assert(OwnTreeDriver<Btrfs> && UsageDriver<Btrfs>);

}  // namespace strata::drivers
