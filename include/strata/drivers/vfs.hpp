#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/option_text.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/applier.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
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
  Vfs(DriverPlace const& place, Options const& options)
      : home_(place.graph_root / name()),
        options_(with_stores(options, place)),
        read_only_(place.read_only),
        trees_(home_ / paths::vfs::directories, home_ / paths::vfs::temp_dirs, others(options_),
               apart(place)) {
    if (read_only_) return;
    for (auto const& home : trees_.homes())
      // Flushed whatever the policy, since publishing flushes only the directory of the layers.
      sys::make_directories(home.directory, 0700, Flush::full);
  }

  static constexpr std::string_view name() noexcept { return "vfs"; }

  /// Copies the parent: linear in its size, or in its number of files if these can share blocks.
  Staged stage(StageRequest const& request) {
    check_writable();
    auto const from = trees_.origin(request);
    return Staged(trees_.temp_dirs(request.writable), request, trees_.how_to_unpack(request, how_to_unpack()),
                  [&](fs::path const& tree) {
                    if (from)
                      sys::copy_tree(
                          *from, tree,
                          {.control = request.control,
                           .keeps_xattr = request.former == Former::gives_way ? sys::is_portable_xattr
                                                                              : sys::is_any_xattr});
                    else
                      make_root(tree);
                  });
  }

  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) {
    check_writable();
    if (!exists(id)) throw Error(Errc::layer_unknown, "layer " + id.str());
    return InPlaceTree(trees_.own(id), request, how_to_unpack());
  }

  void publish(LayerId const& id, Staged staged) {
    check_writable();
    trees_.publish(id, staged);
  }
  void replace(LayerId const& id, Staged& staged) {
    check_writable();
    trees_.replace(id, staged);
  }
  Trash remove(LayerId const& id) {
    check_writable();
    return trees_.remove(id);
  }

  bool exists(LayerId const& id) const { return trees_.find(id).has_value(); }
  /// Layers of the own home, without those of image stores.
  std::vector<LayerId> list() const { return trees_.list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    trees_.copy_file(id, file, to);
  }

  /// Files that cannot be removed are left for the next call.
  void recover() {
    if (read_only_) return;
    for (auto const& home : trees_.homes()) sys::StagingDirectory::recover(home.temp_dirs);
  }

  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const { return trees_.changes(request); }
  void diff(DiffRequest const& request, archive::TarWriter& to) const { trees_.diff(request, to); }
  std::int64_t diff_size(DiffRequest const& request) const { return trees_.diff_size(request); }

  /// False: trees are mounted with their owners unchanged.
  static bool shifts(IdMaps const&) noexcept { return false; }

  /// Returns the directory, which is writable whatever `request` says.
  /// @throws `Errc::layer_unknown`; `Errc::unsupported`: a mount option other than "ro"
  fs::path mount(LayerId const& id, MountRequest const& request) {
    for (auto const& option : request.options)
      if (option != "ro") throw Error(Errc::unsupported, "vfs driver does not support mount options");
    return trees_.get(id);
  }
  /// @throws `errno`, "syncfs <path>"
  void unmount(LayerId const& id, Flush flush = Flush::full) {
    if (flush == Flush::none) return;
    if (auto const tree = trees_.find(id)) sys::flush_file_system(*tree);
  }
  bool is_mounted(LayerId const& id) const { return exists(id); }
  fs::path mount_path(LayerId const& id) const { return trees_.find(id).value_or(trees_.own(id)); }

  /// Reports a missing directory; one in an image store does not replace it.
  std::vector<Problem> inspect(LayerId const& id, std::optional<std::vector<LayerId>> const&) const {
    return trees_.inspect(id);
  }
  std::optional<OwnTree> own_tree(LayerId const& id) const {
    return trees_.own_tree(id, !options_.ignore_chown_errors);
  }
  std::vector<Ownership> ownership(std::vector<LayerId> const& known) const {
    return trees_.ownership(home_, known);
  }
  std::vector<fs::path> image_stores() const { return options_.image_stores; }

 private:
  archive::ApplyOptions how_to_unpack() const {
    return {.whiteouts = archive::Whiteouts::execute, .ignore_chown_errors = options_.ignore_chown_errors};
  }

  static Options with_stores(Options options, DriverPlace const& place) {
    options.image_stores.insert(options.image_stores.begin(), place.image_stores.begin(),
                                place.image_stores.end());
    return options;
  }
  static std::optional<WholeTrees::Home> apart(DriverPlace const& place) {
    if (place.image_store.empty()) return std::nullopt;
    auto const home = place.image_store / name();
    return WholeTrees::Home{home / paths::vfs::directories, home / paths::vfs::temp_dirs};
  }
  static std::vector<fs::path> others(Options const& options) {
    std::vector<fs::path> directories;
    for (auto const& store : options.image_stores)
      directories.push_back(store / name() / paths::vfs::directories);
    return directories;
  }

  void check_writable() const {
    if (read_only_) throw Error(Errc::store_read_only, home_.native());
  }

  static void make_root(fs::path const& path) {
    if (::mkdir(path.c_str(), 0555) != 0) sys::throw_errno("mkdir", path);
    if (::chmod(path.c_str(), 0555) != 0) sys::throw_errno("chmod", path);  // independent of the umask
  }

  fs::path home_;
  Options options_;
  bool read_only_;
  WholeTrees trees_;
};

inline Vfs::Options Vfs::Options::parse(std::vector<std::string> const& key_values) {
  Options options;
  for (auto const& text : key_values) {
    auto const option = own_option(text, {"vfs."});
    if (!option) continue;
    if (option->key == "ignore_chown_errors") {
      options.ignore_chown_errors = parse_bool(option->value);
    } else if (option->key == "imagestore") {
      std::string const& value = option->value;
      for (std::size_t at = 0; at <= value.size();) {
        auto const end = std::min(value.find(',', at), value.size());
        if (end > at) options.image_stores.emplace_back(value.substr(at, end - at));
        at = end + 1;
      }
    } else if (option->key == "mountopt" && option->given != option->key) {
      reject_option("vfs driver does not support mount options");
    } else {
      reject_option("vfs driver does not support " + lower_case(option->given) + " options");
    }
  }
  return options;
}

static_assert(IdMapDriver<Vfs> && InPlaceDriver<Vfs> && OpenableDriver<Vfs> && ImageStoreDriver<Vfs>);
static_assert(OwnTreeDriver<Vfs> && InspectDriver<Vfs> && !RepairDriver<Vfs> && UsageDriver<Vfs>);

}  // namespace strata::drivers
