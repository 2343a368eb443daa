#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/option_text.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
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
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Keeps each layer as a subvolume of btrfs, a writable snapshot of its parent with its own changes made:
/// `<graph root>/btrfs/subvolumes/<id>`. A layer costs what it changes, whatever its parent's size.
///
/// The layout is that of containers/storage. The original makes and deletes subvolumes in place; here they are made in
/// `btrfs/tempdirs`, which it does not look at, and come and go by one rename. Needs the privileges to mount and to
/// delete subvolumes.
class Btrfs {
 public:
  struct Options {
    std::uint64_t size = 0;       ///< most bytes that a writable layer may refer to; 0: any number
    std::uint64_t min_space = 0;  ///< the least `size` that is accepted; given, quotas are turned on at once

    /// From the "key=value" texts of storage.conf and the command line. Those with the prefix of another driver are
    /// passed over.
    /// @throws `Errc::driver_option`; its subject is the whole message
    static Options parse(std::vector<std::string> const& key_values);
  };

  /// A subvolume that is being built, and its limit.
  class Staged : public StagedTree {
   private:
    friend class Btrfs;
    Staged(StagedTree tree, std::uint64_t size) : StagedTree(std::move(tree)), size_(size) {}
    std::uint64_t size_;
  };

  explicit Btrfs(DriverPlace const& place) : Btrfs(place, Options()) {}

  /// Makes the home, and a private mount of it onto itself.
  /// @throws `Errc::driver_unusable`: not on btrfs; `errno`
  Btrfs(DriverPlace const& place, Options const& options)
      : home_(std::filesystem::absolute(place.graph_root) / name()),
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

  /// Takes as long for a large parent as for a small one, some milliseconds: the kernel commits what is in flight.
  /// @throws `Errc::driver_option`: the limit for a writable layer is less than what is accepted
  Staged stage(StageRequest const& request) {
    check_writable();
    auto const from = trees_.origin(request);
    auto const size = limit_for(request);
    return Staged(StagedTree(trees_.temp_dirs(), request,
                             trees_.how_to_unpack(request, {.whiteouts = archive::Whiteouts::execute}),
                             [&](std::filesystem::path const& tree) {
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

  /// A limit is that of the layer that the new contents began as a copy of.
  void replace(LayerId const& id, Staged& staged) {
    check_writable();
    trees_.replace(id, staged);
  }

  Trash remove(LayerId const& id) {
    check_writable();
    if (::unlink(quota(id).c_str()) != 0 && errno != ENOENT) sys::throw_errno("unlink", quota(id));
    return trees_.remove(id);
  }

  bool exists(LayerId const& id) const { return trees_.find(id).has_value(); }
  std::vector<LayerId> list() const { return trees_.list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    trees_.copy_file(id, file, to);
  }

  /// What cannot be removed stays for the next time.
  void recover() {
    if (!read_only_) sys::StagingDirectory::recover(trees_.temp_dirs());
  }

  /// None, as of an original built with "btrfs_noversion": its lines tell versions of a library that is not used here.
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const { return trees_.changes(request); }
  void diff(DiffRequest const& request, archive::TarWriter& to) const { trees_.diff(request, to); }
  std::int64_t diff_size(DiffRequest const& request) const { return trees_.diff_size(request); }

  /// A tree is shown as it is.
  static bool shifts(IdMaps const&) noexcept { return false; }

  /// The directory is there, and can be written to whatever `request` says; a recorded limit is set once more, for
  /// quotas may have been off meanwhile.
  /// @throws `Errc::layer_unknown`; `Errc::unsupported`: a mount option other than "ro"
  std::filesystem::path mount(LayerId const& id, MountRequest const& request) {
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
  std::filesystem::path mount_path(LayerId const& id) const { return trees_.own(id); }

  std::optional<OwnTree> own_tree(LayerId const& id) const { return trees_.own_tree(id, true); }
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const {
    return trees_.ownership(home_, known);
  }

  /// Gives the private mount of the home back; a file system of its own stays mounted.
  void shutdown() { sys::undo_private(home_); }
  void resume() {
    if (!sys::is_mount_point(home_)) recover();  // as in `Overlay`
    sys::make_private(home_);
  }

 private:
  std::filesystem::path quota(LayerId const& id) const { return home_ / paths::btrfs::quotas / id.str(); }

  void check_writable() const {
    if (read_only_) throw Error(Errc::store_read_only, home_.native());
  }

  /// A layer that is no subvolume (restored from a backup, say) is copied.
  static void make(std::filesystem::path const& tree, std::optional<std::filesystem::path> const& from,
                   Control const& control) {
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

  /// 0 if there is none, or none that can be read.
  std::uint64_t recorded_limit(LayerId const& id) const {
    auto const text = sys::read_stored(quota(id));
    std::uint64_t size = 0;
    if (!text) return 0;
    auto const end = text->data() + text->size();
    auto const [at, error] = std::from_chars(text->data(), end, size);
    return error == std::errc() && at == end ? size : 0;
  }

  std::filesystem::path home_;
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
