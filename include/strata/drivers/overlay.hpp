#pragma once

#include <strata/archive/changes.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/backing.hpp>
#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/diff.hpp>
#include <strata/drivers/overlay/features.hpp>
#include <strata/drivers/overlay/files.hpp>
#include <strata/drivers/overlay/inspect.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/drivers/overlay/mount.hpp>
#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/drivers/overlay/shifted_mount.hpp>
#include <strata/drivers/overlay/staged.hpp>
#include <strata/drivers/shift_owners.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/temp_dir.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Layers as upper and lower directories of overlayfs, in the layout of containers/storage (release 1.63 and before).
///
/// A layer that is mounted cannot be replaced as a whole (`Errc::layer_used_by_container`): the kernel keeps using the
/// directory that was there. Layers of `image_stores` can be parents and be mounted read-only, below the run root.
/// Needs the privileges to mount.
class Overlay {
 public:
  using Options = overlay::Options;
  using Staged = overlay::StagedLayer;

  static constexpr std::string_view name() noexcept { return "overlay"; }

  /// Makes the home and, unless told otherwise, a private mount of it. What the kernel can do is looked up in the run
  /// root, and tried out only if it is not known yet.
  /// @throws `Errc::driver_unusable`, with the kernel's reason; `errno`
  Overlay(DriverPlace const& place, Options const& options)
      : options_(with_stores(options, place)),
        read_only_(place.read_only),
        dirs_(std::filesystem::absolute(place.graph_root) / options.home_name, other_homes(options_),
              place.image_store.empty() ? std::filesystem::path() : place.image_store / name()),
        run_home_(std::filesystem::absolute(place.run_root) / options.home_name),
        features_({.known = run_home_, .temp_dirs = temp_dirs(), .read_only = read_only_}, options_.mountopt),
        files_(std::make_unique<overlay::LayerFiles>()) {
    if (read_only_) return;
    for (auto const& own : dirs_.own_homes()) {
      sys::make_directories(own, 0700, Flush::full);  // publishing flushes no more than the home itself
      auto const links = own / paths::overlay::links;
      if (::mkdir(links.c_str(), 0755) == 0) {
        if (::chmod(links.c_str(), 0755) != 0) sys::throw_errno("chmod", links);
      } else if (errno != EEXIST) {
        sys::throw_errno("mkdir", links);
      }
    }
    sys::make_directories(run_home_, 0700);
    find_mount_program();
    if (options_.mount_program.empty()) {
      auto const works = features_.overlay();
      // A kernel that lets only root mount overlays: a user's program does it, as for containers/storage.
      if (!works.works && marks_.user_xattr && !read_only_) {
        options_.mount_program = overlay::find_program("fuse-overlayfs");
        find_mount_program();
      }
      if (!works.works && options_.mount_program.empty())
        throw Error(Errc::driver_unusable, "overlay in " + home().native() + ": " + works.reason);
    }
    if (options_.size != 0 || options_.inodes != 0) overlay::require_quotas(home());
    resume();
    if (options_.mount_program.empty()) {
      features_.metacopy();
      features_.native_diff();
    }
  }

  Staged stage(StageRequest const& request) {
    check_writable();
    auto wanted = request;
    if (options_.sync_file_system) wanted.flush = Flush::full;
    if (options_.force_mask && options_.mount_program.empty() && request.writable && !request.copy_of)
      reject_option("overlay: force_mask option for writeable layers is only supported with a mount_program");
    if (request.copy_of && !has_other_owners(request)) check_own_tree(dirs_.get(request.copy_of->str()));
    bool const by_program = !options_.mount_program.empty();
    Staged staged(dirs_, wanted, options_.force_mask);
    if (has_other_owners(request)) shift(staged, request);
    staged.start({.whiteouts = by_program ? archive::Whiteouts::keep : archive::Whiteouts::overlay,
                  .user_xattr = marks_.user_xattr,
                  .force_mask = options_.force_mask,
                  .ignore_chown_errors = options_.ignore_chown_errors});
    return staged;
  }

  /// The layer's directory is complete when it gets its name; a crash right after that leaves it without its entry
  /// of `l/`, and without a record.
  /// @throws `Errc::invalid_id` for the few names that mean something else in the home
  void publish(LayerId const& id, Staged staged) {
    check_writable();
    if (overlay::is_reserved(id.str()) || id.str().find(':') != std::string::npos)
      throw Error(Errc::invalid_id, "\"" + id.str() + "\" for an overlay layer");
    struct stat status {};
    if (::lstat(dirs_.own(id.str()).c_str(), &status) == 0)
      throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
    staged.finish();
    staged.settle_parent(dirs_);
    auto const own = staged.home() / id.str();
    if (::renameat2(AT_FDCWD, staged.layer().c_str(), AT_FDCWD, own.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
      sys::throw_busy("rename", own);
    }
    try {
      if (staged.writable() && (options_.size != 0 || options_.inodes != 0))
        overlay::limit_layer(home(), own, {.bytes = options_.size, .inodes = options_.inodes});
      dirs_.make_link(staged.link(), id.str());
    } catch (Error const&) {
      ::rename(own.c_str(), staged.layer().c_str());
      throw;
    }
    if (!staged.additional().empty()) AdditionalTree::announce(staged.additional());
    files_->forget();
    if (staged.flush() == Flush::full) {
      sys::sync_directory(staged.home() / paths::overlay::links);
      sys::sync_directory(staged.home());
    }
  }

  /// Exchanges the two trees by one rename.
  /// @throws `Errc::layer_unknown`; `Errc::layer_used_by_container` if the layer is mounted
  Trash replace(LayerId const& id, Staged staged) {
    check_writable();
    auto const diff = dirs_.own(id.str()) / paths::overlay::diff;
    if (!overlay::holds_directory(diff)) throw Error(Errc::layer_unknown, "layer " + id.str());
    check_own_tree(dirs_.own(id.str()));
    if (is_mounted(id)) throw Error(Errc::layer_used_by_container, "layer " + id.str() + " is mounted");
    staged.finish();
    overlay::join_project(dirs_.own(id.str()), staged.diff());
    if (::renameat2(AT_FDCWD, staged.diff().c_str(), AT_FDCWD, diff.c_str(), RENAME_EXCHANGE) != 0)
      sys::throw_busy("rename", diff);
    files_->forget();
    if (staged.flush() == Flush::full) sys::sync_directory(dirs_.own(id.str()));
    Trash trash;
    trash.add(std::move(staged).rest());
    return trash;
  }

  Trash remove(LayerId const& id) {
    check_writable();
    Trash trash;
    auto const layer = dirs_.own(id.str());
    if (overlay::is_reserved(id.str()) || !overlay::holds_directory(layer)) return trash;
    auto const place = layer.parent_path();
    auto directory = sys::TempDir::create(place / paths::overlay::temp_dirs);
    auto const link = sys::read_file_if_exists(layer / paths::overlay::link);
    if (link && is_safe_component(*link)) directory.take(place / paths::overlay::links / *link);
    auto const additional = sys::read_file_if_exists(layer / paths::overlay::additional_layer);
    directory.take(layer);
    if (additional) AdditionalTree::give_back(*additional);
    files_->forget();
    trash.add(std::move(directory));
    return trash;
  }

  bool exists(LayerId const& id) const { return dirs_.find(id.str()).has_value(); }

  std::vector<std::filesystem::path> image_stores() const { return options_.image_stores; }

  std::optional<AdditionalTree> find_additional(std::string_view digest, std::string_view reference) const {
    return overlay::find_additional(options_.layer_stores, digest, reference);
  }
  Staged stage_additional(AdditionalTree const& tree, StageRequest const& request) {
    auto staged = stage(request);
    staged.stand_for(tree);
    return staged;
  }

  /// Of the own homes, not of stores that are only read.
  std::vector<LayerId> list() const {
    std::vector<LayerId> ids;
    for (auto& id : dirs_.list()) ids.emplace_back(std::move(id));
    return ids;
  }

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    files_->copy(dirs_, id.str(), file, to);
  }

  /// Removes what dead processes left in temp-dirs. What cannot be removed stays for the next time. Needs no lock.
  void recover() {
    if (read_only_) return;
    auto const homes = dirs_.own_homes();
    std::vector<std::filesystem::path> roots(homes.begin(), homes.end());
    roots.push_back(run_home_);
    for (auto const& root : roots) {
      auto const left = root / paths::overlay::temp_dirs;
      if (::rmdir(left.c_str()) == 0 || errno == ENOENT) continue;  // the usual case: nothing there
      sys::TempDir::recover(left);
      ::rmdir(left.c_str());  // release 1.43 takes it for a layer when it repairs links
    }
  }

  /// As `containers-storage status` names things.
  std::vector<std::pair<std::string, std::string>> status() const {
    auto const text = [](bool value) { return std::string(value ? "true" : "false"); };
    bool const by_program = !options_.mount_program.empty();
    return {{"Backing Filesystem", overlay::backing_name(home())},
            {"Supports d_type", text(by_program || overlay::has_file_types(home()))},
            {"Native Overlay Diff", text(!by_program && features_.native_diff())},
            {"Using metacopy", text(!by_program && features_.metacopy())},
            {"Supports shifting", text(shifts({}))},
            {"Supports volatile", text(by_program || features_.volatile_mounts())}};
  }

  /// In path order. Natively if `parent` is the layer's own, by comparing trees if not.
  std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent,
                              DiffMaps const& maps = {}) const;
  void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
            Control const& control, DiffMaps const& maps = {}) const;
  std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent,
                         DiffMaps const& maps = {}) const;

  /// A mount program does it for maps that are one offset, Linux for all from 5.19 on, unless the environment's
  /// `_CONTAINERS_OVERLAY_DISABLE_IDMAP` says "yes" (as for containers/storage).
  bool shifts(IdMaps const& maps) const {
    auto const* disabled = std::getenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP");
    if (disabled != nullptr && std::string_view(disabled) == "yes") return false;
    if (!options_.mount_program.empty())
      return idmap::is_contiguous(maps.uids) && idmap::is_contiguous(maps.gids);
    return features_.idmapped_lower();
  }

  /// @throws `Errc::layer_unknown`, `Errc::parent_unknown`; `Errc::unsupported` above 500 layers; `errno`
  std::filesystem::path mount(LayerId const& id, MountRequest const& request) {
    auto const layer = dirs_.get(id.str());
    auto plan = plan_mount(layer, request);
    bool const own = is_own(layer);
    plan.target = mount_path(id);
    if (!own) sys::make_directories(plan.target.parent_path(), 0700);
    if (::mkdir(plan.target.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", plan.target);
    if (sys::is_mount_point(plan.target))
      throw Error(Errc::layer_used_by_container, "layer " + id.str() + " is mounted");
    if (!plan.upper.empty()) {
      // The kernel's sign that a volatile mount was not unmounted cleanly; it would refuse any other mount.
      sys::remove_tree(layer / paths::overlay::work / paths::overlay::volatile_mark);
    }
    if (request.maps.empty()) {
      mount(plan);
      return plan.target;
    }
    // The root of what is seen is that of the container, who may not be 0 of the host.
    if (!plan.upper.empty()) give_to_root(plan.upper, request.maps);
    if (own) give_to_root(plan.target, request.maps);
    if (options_.mount_program.empty()) {
      overlay::mount_shifted(plan, layer, request.maps);
    } else {
      overlay::shift_by_program(plan, request.maps);
      mount(plan);
    }
    return plan.target;
  }

  void unmount(LayerId const& id) {
    auto const target = mount_path(id);
    if (options_.mount_program.empty() || !overlay::unmount_by_program(target)) sys::unmount(target);
  }
  bool is_mounted(LayerId const& id) const { return sys::is_mount_point(mount_path(id)); }

  /// `<home>/<id>/merged`; for layers of other stores, and in a store opened for reading, below the run root.
  std::filesystem::path mount_path(LayerId const& id) const {
    auto const layer = dirs_.find(id.str());
    return (layer && !is_own(*layer) ? run_home_ / id.str() : dirs_.own(id.str())) / paths::overlay::merged;
  }

  // What `CheckDriver` asks for.
  std::vector<Finding> inspect(LayerId const& id,
                               std::optional<std::vector<LayerId>> const& ancestors) const {
    return overlay::inspect_layer(dirs_, id.str(), ancestors);
  }
  std::vector<std::string> heal(LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
    check_writable();
    files_->forget();
    return overlay::heal_layer(dirs_, id.str(), ancestors);
  }
  std::optional<std::vector<LayerId>> ancestors(LayerId const& id) const {
    return overlay::recorded_ancestors(dirs_, id.str());
  }
  std::optional<OwnTree> own_tree(LayerId const& id) const {
    auto const layer = dirs_.find(id.str());
    if (!layer || !overlay::holds_directory(*layer / paths::overlay::diff)) return std::nullopt;
    if (overlay::is_composefs(*layer)) return std::nullopt;  // not one that can be walked
    return OwnTree{
        .path = *layer / paths::overlay::diff, .whole = false, .keeps_owners = !options_.ignore_chown_errors};
  }
  std::vector<Claim> claims(std::vector<LayerId> const& known) const {
    return overlay::claim_home(dirs_, known);
  }

  /// Gives the private mount of the home back; a file system of its own stays mounted. Removes what partial pulls
  /// of other programs left.
  void shutdown() {
    files_->forget();
    if (!read_only_) overlay::prune_staging(home());
    sys::undo_private(home());
  }
  void resume() {
    if (!read_only_ && !options_.skip_mount_home) sys::make_private(home());
  }

 private:
  static constexpr std::size_t most_lowers = 500;  // the kernel's OVL_MAX_STACK

  static Options with_stores(Options options, DriverPlace const& place) {
    Options all = options;
    all.image_stores.clear();
    for (auto const& store : place.image_stores) overlay::detail::add_image_store(all, store.native());
    for (auto& store : options.image_stores)
      if (std::ranges::find(all.image_stores, store) == all.image_stores.end())
        all.image_stores.push_back(std::move(store));
    return all;
  }
  static std::vector<std::filesystem::path> other_homes(Options const& options) {
    std::vector<std::filesystem::path> homes;
    for (auto const& store : options.image_stores) homes.push_back(store / name());
    return homes;
  }

  std::filesystem::path const& home() const { return dirs_.home(); }
  std::filesystem::path temp_dirs() const { return home() / paths::overlay::temp_dirs; }
  /// Where layers are mounted for a moment that nobody else is to see or count. Not in the home: a shutdown by another
  /// process takes the home's mount away with all that is mounted below it.
  std::filesystem::path private_mounts() const { return run_home_ / paths::overlay::temp_dirs; }
  static std::filesystem::path mount_point(sys::TempDir& place) {
    auto point = place.next_addition();
    if (::mkdir(point.c_str(), 0700) != 0) sys::throw_errno("mkdir", point);
    return point;
  }
  bool is_own(std::filesystem::path const& layer) const { return !read_only_ && dirs_.is_own(layer); }

  void check_writable() const {
    if (read_only_) throw Error(Errc::store_read_only, "overlay home " + home().native());
  }

  /// Layers of composefs are never changed.
  static void check_own_tree(std::filesystem::path const& layer) {
    if (overlay::is_composefs(layer))
      throw Error(Errc::unsupported, "changing composefs layer " + layer.filename().native());
  }

  /// A layer's own tree and those below it.
  struct Trees {
    std::filesystem::path tree;
    std::vector<std::filesystem::path> lowers = {};
  };
  /// Nothing if the tree does not tell what was asked for: another parent, or a tree that another program wrote.
  std::optional<Trees> native_trees(LayerId const& id, std::optional<LayerId> const& parent) const;

  /// Calls `use(newer, older)` with the trees of two layers, mounted where nobody else looks: others would take a mount at
  /// `mount_path` for one that is counted, and use it.
  template <class Use>
  auto compare(LayerId const& id, std::optional<LayerId> const& parent, Use&& use) const;

  void mount(overlay::MountPlan plan) const {
    if (!options_.mount_program.empty()) {
      for (auto const& lower : plan.lowers)
        if (overlay::is_composefs(lower.parent_path()))
          throw Error(Errc::unsupported,
                      "composefs layer " + lower.parent_path().filename().native() + " with a mount program");
      if (options_.force_mask) plan.options.emplace_back("xattr_permissions=2");
      return overlay::mount_by_program(options_.mount_program, home(), plan);
    }
    plan.user_xattr = marks_.user_xattr;
    overlay::ComposefsLowers const images(plan);
    try {
      overlay::mount_overlay(plan);
    } catch (Error const& error) {
      if (error.code() != std::errc::device_or_resource_busy) throw;
      errno = EBUSY;  // another overlay, of which this namespace need not know, has the same upper directory
      sys::throw_busy("mount overlay", plan.upper.empty() ? plan.target : plan.upper.parent_path());
    }
  }
  void shift(Staged& staged, StageRequest const& request) const;
  void find_mount_program();
  overlay::MountPlan plan_mount(std::filesystem::path const& layer, MountRequest const& request) const;
  std::vector<std::string> mount_options(MountRequest const& request) const;

  Options options_;
  archive::OverlayXattr marks_ = archive::OverlayXattr::here();
  bool read_only_;
  overlay::LayerDirs dirs_;
  std::filesystem::path run_home_;
  overlay::Features features_;
  std::unique_ptr<overlay::LayerFiles> files_;
};

inline void Overlay::find_mount_program() {
  auto const mark = home() / paths::overlay::has_mount_program;
  auto text = sys::read_file_if_exists(mark);
  auto const remember = [&](std::string_view answer) {
    if (text != answer) sys::replace_file(mark, answer, {.mode = 0600, .flush = Flush::none});
    text = answer;
  };
  if (!options_.mount_program.empty()) return remember("true");
  if (!text) remember(overlay::used_mount_program(dirs_) ? "true" : "false");
  if (text == "true") options_.mount_program = overlay::find_program("fuse-overlayfs");
}

inline std::vector<std::string> Overlay::mount_options(MountRequest const& request) const {
  static std::string const metacopy_on = "metacopy=on";
  auto const has_metacopy = [](std::vector<std::string> const& options) {
    return std::find(options.begin(), options.end(), metacopy_on) != options.end();
  };
  auto options = request.options.empty() ? features_.configured() : request.options;
  // What was written with it must be mounted with it; where the kernel does not do it, it must not be asked to.
  if (has_metacopy(features_.configured()) && !has_metacopy(options)) options.push_back(metacopy_on);
  if (has_metacopy(options) && !features_.metacopy()) std::erase(options, metacopy_on);
  return options;
}

inline void Overlay::shift(Staged& staged, StageRequest const& request) const {
  auto const below = dirs_.get(staged.parent()->str());
  overlay::MountPlan plan{.lowers = dirs_.trees_below(below), .options = mount_options({})};
  plan.lowers.insert(plan.lowers.begin(), below / paths::overlay::diff);
  // Each file copied up would be flushed alone; all are, together, when the staged tree is whole.
  if (options_.mount_program.empty() && features_.volatile_mounts()) plan.options.emplace_back("volatile");
  auto place = sys::TempDir::create(private_mounts());
  plan.target = mount_point(place);
  staged.change_owners(std::move(plan), request, [this](auto const& ready) { mount(ready); });
}

inline overlay::MountPlan Overlay::plan_mount(std::filesystem::path const& layer,
                                              MountRequest const& request) const {
  overlay::MountPlan plan{
      .lowers = dirs_.trees_below(layer), .options = mount_options(request), .label = request.label};
  if (plan.lowers.empty()) {
    auto const empty = layer / paths::overlay::empty;
    if (is_own(layer) && ::mkdir(empty.c_str(), 0700) != 0 && errno != EEXIST)
      sys::throw_errno("mkdir", empty);
    plan.lowers.push_back(empty);
  }
  if (plan.lowers.size() > most_lowers)
    throw Error(Errc::unsupported, "layer " + layer.filename().native() + ": " +
                                       std::to_string(plan.lowers.size()) +
                                       " layers below it; max depth exceeded");
  auto const asked = std::find(plan.options.begin(), plan.options.end(), "ro") != plan.options.end();
  if (request.read_only || asked || !is_own(layer)) {
    plan.lowers.insert(plan.lowers.begin(), layer / paths::overlay::diff);
    if (!asked) plan.options.emplace_back("ro");
    return plan;
  }
  if (overlay::is_composefs(layer))
    throw Error(Errc::unsupported,
                "cannot mount composefs layer " + layer.filename().native() + " as writeable");
  plan.upper = layer / paths::overlay::diff;
  plan.work = layer / paths::overlay::work;
  if (request.is_volatile && (!options_.mount_program.empty() || features_.volatile_mounts()))
    plan.options.emplace_back("volatile");
  return plan;
}

template <class Use>
auto Overlay::compare(LayerId const& id, std::optional<LayerId> const& parent, Use&& use) const {
  auto place = sys::TempDir::create(private_mounts());
  auto const show = [&](LayerId const& shown) {
    auto const target = mount_point(place);
    if (is_mounted(shown)) {
      // A mount of our own of what is there: whoever has it mounted may unmount it at any time.
      auto const seen = mount_path(shown);
      sys::bind_mount(seen, target);
      if (!sys::same_device(target, seen.parent_path())) return target;
      sys::unmount(target);  // it was unmounted in between: that is the directory below it
    }
    auto plan = plan_mount(dirs_.get(shown.str()), {.read_only = true});
    plan.target = target;
    mount(plan);
    return target;
  };
  auto const newer = show(id);
  auto const older = parent ? std::optional(show(*parent)) : std::nullopt;
  return use(newer, older);
}

inline std::vector<Change> Overlay::changes(LayerId const& id, std::optional<LayerId> const& parent,
                                            DiffMaps const& maps) const {
  if (auto const own = native_trees(id, parent)) return overlay::native_changes(own->tree, own->lowers);
  return compare(id, parent, [&](auto const& newer, auto const& older) {
    return archive::compare_trees(newer, older, maps);
  });
}

inline void Overlay::diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
                          Control const& control, DiffMaps const& maps) const {
  if (auto const own = native_trees(id, parent))
    return overlay::native_diff(own->tree, own->lowers, to, control, maps.newer);
  compare(id, parent, [&](auto const& newer, auto const& older) {
    archive::write_changes(newer, archive::compare_trees(newer, older, maps), to, control, maps.newer);
  });
}

inline std::int64_t Overlay::diff_size(LayerId const& id, std::optional<LayerId> const& parent,
                                       DiffMaps const& maps) const {
  if (auto const own = native_trees(id, parent)) return overlay::native_size(own->tree);
  return compare(id, parent, [&](auto const& newer, auto const& older) {
    return archive::changed_bytes(newer, archive::compare_trees(newer, older, maps));
  });
}

inline std::optional<Overlay::Trees> Overlay::native_trees(LayerId const& id,
                                                           std::optional<LayerId> const& parent) const {
  auto const layer = dirs_.get(id.str());
  auto const below = dirs_.lower_ids(layer);
  auto const lowers = dirs_.lowers(layer);
  if (overlay::is_composefs(layer) || std::ranges::any_of(lowers, overlay::is_composefs)) return std::nullopt;
  bool const asked_for_own = parent ? !below.empty() && below.front() == parent->str() : below.empty();
  if (!options_.mount_program.empty() || !asked_for_own || !features_.native_diff()) return std::nullopt;
  return Trees{.tree = layer / paths::overlay::diff, .lowers = dirs_.trees_below(layer)};
}

static_assert(IdMapDriver<Overlay>);

}  // namespace strata::drivers
