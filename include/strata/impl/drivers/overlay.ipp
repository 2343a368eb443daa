#pragma once

#include <strata/drivers/overlay.hpp>
#include <strata/drivers/overlay/backing.hpp>
#include <strata/drivers/overlay/comparer.hpp>
#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/files.hpp>
#include <strata/drivers/overlay/image_stores.hpp>
#include <strata/drivers/overlay/inspect.hpp>
#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/drivers/overlay/lower_view.hpp>
#include <strata/drivers/overlay/placement.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/drivers/overlay/read_tree.hpp>
#include <strata/drivers/shift_owners.hpp>
#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::drivers {

STRATA_INLINE Overlay::Overlay(DriverPlace const& place, Options const& options)
    : options_(overlay::with_stores(options, place)),
      read_only_(place.read_only),
      dirs_(sys::absolute(place.graph_root) / options.home_name, overlay::homes_in_stores(options_, name()),
            place.image_store.empty() ? fs::path() : place.image_store / name()),
      run_home_(sys::absolute(place.run_root) / options.home_name),
      mounter_(home(),
               {{.known = run_home_, .temp_dirs = temp_dirs(), .read_only = read_only_}, options_.mountopt},
               options_, marks_.user_xattr),
      files_(std::make_unique<overlay::LayerFiles>()) {
  if (read_only_) return;
  for (auto const& own : dirs_.own_homes()) {
    sys::make_directories(own, 0700, Flush::full);  // publishing flushes only the home itself
    auto const links = own / paths::overlay::links;
    if (::mkdir(links.c_str(), 0755) == 0) {
      if (::chmod(links.c_str(), 0755) != 0) sys::throw_errno("chmod", links);
    } else if (errno != EEXIST) {
      sys::throw_errno("mkdir", links);
    }
  }
  sys::make_directories(run_home_, 0700);
  mounter_.choose_program(dirs_);
  if (options_.size != 0 || options_.inodes != 0) overlay::require_quotas(home());
  resume();
  if (!mounter_.by_program()) {
    mounter_.features().metacopy();
    mounter_.features().native_diff();
  }
}

STRATA_INLINE auto Overlay::stage(StageRequest const& request) -> Staged {
  check_writable();
  auto wanted = request;
  if (options_.sync_file_system) wanted.flush = Flush::full;
  if (options_.force_mask && !mounter_.by_program() && request.writable && !request.copy_of)
    reject_option("overlay: force_mask option for writeable layers is only supported with a mount_program");
  if (request.copy_of && !has_other_owners(request)) check_own_tree(dirs_.get(request.copy_of->str()));
  Staged staged(dirs_, wanted, options_.force_mask);
  if (has_other_owners(request)) shift(staged, request);
  auto apply = how_to_unpack();
  apply.former = request.former;
  staged.start(std::move(apply), dirs_);
  return staged;
}

STRATA_INLINE InPlaceTree Overlay::in_place(LayerId const& id, InPlaceRequest const& request) {
  check_writable();
  auto const layer = dirs_.own(id.str());
  if (!overlay::holds_directory(layer / paths::overlay::diff))
    throw Error(Errc::layer_unknown, "layer " + id.str());
  check_own_tree(layer);
  auto apply = how_to_unpack();
  auto const below = dirs_.lower_ids(layer);
  apply.below = overlay::lower_view(dirs_, below.empty() ? std::nullopt : std::optional(below.front()));
  return InPlaceTree(layer / paths::overlay::diff, request, std::move(apply));
}

STRATA_INLINE void Overlay::publish(LayerId const& id, Staged staged) {
  check_writable();
  overlay::put_in_place(dirs_, id, staged, {.bytes = options_.size, .inodes = options_.inodes});
  files_->forget();
  if (staged.flush() == Flush::full) {
    sys::sync_directory(staged.home() / paths::overlay::links);
    sys::sync_directory(staged.home());
  }
}

STRATA_INLINE void Overlay::replace(LayerId const& id, Staged& staged) {
  check_writable();
  auto const layer = dirs_.own(id.str());
  if (!overlay::holds_directory(layer / paths::overlay::diff))
    throw Error(Errc::layer_unknown, "layer " + id.str());
  check_own_tree(layer);
  if (is_mounted(id)) throw Error(Errc::layer_used_by_container, "layer " + id.str() + " is mounted");
  overlay::exchange_trees(layer, staged);
  files_->forget();
  if (staged.flush() == Flush::full) sys::sync_directory(layer);
}

STRATA_INLINE Trash Overlay::remove(LayerId const& id) {
  check_writable();
  Trash trash;
  if (auto gone = overlay::take_away(dirs_, id)) {
    files_->forget();
    trash.add(*std::move(gone));
  }
  return trash;
}

STRATA_INLINE std::optional<AdditionalTree> Overlay::find_additional(std::string_view digest,
                                                                     std::string_view reference) const {
  return overlay::find_additional(options_.layer_stores, digest, reference);
}

STRATA_INLINE auto Overlay::stage_additional(AdditionalTree const& tree, StageRequest const& request)
    -> Staged {
  auto staged = stage(request);
  staged.stand_for(tree);
  return staged;
}

STRATA_INLINE std::vector<LayerId> Overlay::list() const {
  std::vector<LayerId> ids;
  for (auto& id : dirs_.list()) ids.emplace_back(std::move(id));
  return ids;
}

STRATA_INLINE void Overlay::copy_file(LayerId const& id, std::string_view file, Writer& to) const {
  files_->copy(dirs_, id.str(), file, to);
}

STRATA_INLINE void Overlay::recover() {
  if (read_only_) return;
  auto const homes = dirs_.own_homes();
  std::vector<fs::path> roots(homes.begin(), homes.end());
  roots.push_back(run_home_);
  for (auto const& root : roots) {
    auto const left = root / paths::overlay::temp_dirs;
    if (::rmdir(left.c_str()) == 0 || errno == ENOENT) continue;  // usually there is none
    sys::StagingDirectory::recover(left);
    ::rmdir(left.c_str());  // release 1.43 takes it for a layer when it repairs links
  }
}

STRATA_INLINE std::vector<std::pair<std::string, std::string>> Overlay::status() const {
  auto const text = [](bool value) { return std::string(value ? "true" : "false"); };
  bool const by_program = mounter_.by_program();
  return {{"Backing Filesystem", overlay::backing_name(home())},
          {"Supports d_type", text(by_program || overlay::has_file_types(home()))},
          {"Native Overlay Diff", text(!by_program && mounter_.features().native_diff())},
          {"Using metacopy", text(!by_program && mounter_.features().metacopy())},
          {"Supports shifting", text(shifts({}))},
          {"Supports volatile", text(mounter_.can_be_volatile())}};
}

STRATA_INLINE fs::path Overlay::mount(LayerId const& id, MountRequest const& request) {
  auto const layer = dirs_.get(id.str());
  bool const own = mount_places().is_own(layer);
  auto plan = mounter_.plan(dirs_, layer, own, request);
  plan.target = mount_path(id);
  if (!own) sys::make_directories(plan.target.parent_path(), 0700);
  if (::mkdir(plan.target.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", plan.target);
  if (sys::is_mount_point(plan.target))
    throw Error(Errc::layer_used_by_container, "layer " + id.str() + " is mounted");
  if (!plan.upper.empty()) {
    // The kernel's mark of a volatile mount that was not unmounted cleanly; it would refuse any other
    // mount.
    sys::remove_tree(layer / paths::overlay::work / paths::overlay::volatile_mark);
  }
  auto target = plan.target;
  if (request.maps.empty()) {
    mounter_.mount(std::move(plan));
    return target;
  }
  // The root directory belongs to the container's root, which may not be 0 on the host.
  if (!plan.upper.empty()) give_to_root(plan.upper, request.maps);
  if (own) give_to_root(target, request.maps);
  mounter_.mount_shifted(std::move(plan), layer, request.maps);
  return target;
}

STRATA_INLINE std::vector<Problem> Overlay::inspect(
    LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) const {
  return overlay::inspect_layer(dirs_, id.str(), ancestors);
}

STRATA_INLINE std::vector<std::string> Overlay::repair(LayerId const& id,
                                                       std::optional<std::vector<LayerId>> const& ancestors) {
  check_writable();
  files_->forget();
  return overlay::repair_layer_files(dirs_, id.str(), ancestors);
}

STRATA_INLINE std::optional<std::vector<LayerId>> Overlay::ancestors(LayerId const& id) const {
  return overlay::recorded_ancestors(dirs_, id.str());
}

STRATA_INLINE std::optional<OwnTree> Overlay::own_tree(LayerId const& id) const {
  auto const layer = dirs_.find(id.str());
  if (!layer || !overlay::holds_directory(*layer / paths::overlay::diff)) return std::nullopt;
  if (overlay::is_composefs(*layer)) return std::nullopt;  // which cannot be walked
  return OwnTree{
      .path = *layer / paths::overlay::diff, .whole = false, .keeps_owners = !options_.ignore_chown_errors};
}

STRATA_INLINE std::optional<LayerTree> Overlay::read_tree(LayerId const& id, ReadMaps const& maps) const {
  return overlay::read_tree(mount_places(), mounter_, id, maps);
}

STRATA_INLINE std::vector<Ownership> Overlay::ownership(std::vector<LayerId> const& known) const {
  return overlay::own_home(dirs_, known);
}

STRATA_INLINE void Overlay::shutdown() {
  files_->forget();
  if (!read_only_) overlay::prune_staging(home());
  sys::undo_private(home());
}

STRATA_INLINE void Overlay::resume() {
  if (read_only_ || options_.skip_mount_home) return;
  // The private mount would hide, and thus pin, what dead processes left mounted in the home.
  if (!sys::is_mount_point(home())) recover();
  sys::make_private(home());
}

STRATA_INLINE archive::ApplyOptions Overlay::how_to_unpack() const {
  return {.whiteouts = mounter_.by_program() ? archive::Whiteouts::keep : archive::Whiteouts::overlay,
          .user_xattr = marks_.user_xattr,
          .force_mask = options_.force_mask,
          .ignore_chown_errors = options_.ignore_chown_errors};
}

STRATA_INLINE void Overlay::check_writable() const {
  if (read_only_) throw Error(Errc::store_read_only, "overlay home " + home().native());
}

STRATA_INLINE void Overlay::check_own_tree(fs::path const& layer) {
  if (overlay::is_composefs(layer))
    throw Error(Errc::unsupported, "changing composefs layer " + layer.filename().native());
}

STRATA_INLINE void Overlay::shift(Staged& staged, StageRequest const& request) const {
  auto const below = dirs_.get(staged.parent()->str());
  overlay::MountPlan plan{.lowers = dirs_.trees_below(below), .options = mounter_.options()};
  plan.lowers.insert(plan.lowers.begin(), below / paths::overlay::diff);
  // Avoids flushing each file that is copied up; the complete staged tree is flushed instead.
  if (!mounter_.by_program() && mounter_.can_be_volatile()) plan.options.emplace_back("volatile");
  auto staging = sys::StagingDirectory::create(mount_places().private_mounts());
  plan.target = overlay::make_mount_point(staging);
  staged.change_owners(std::move(plan), request, [this](auto const& ready) { mounter_.mount(ready); });
}

STRATA_INLINE std::vector<Change> Overlay::changes(DiffRequest const& request) const {
  return comparer().changes(request);
}

STRATA_INLINE void Overlay::diff(DiffRequest const& request, archive::TarWriter& to) const {
  comparer().diff(request, to);
}

STRATA_INLINE std::int64_t Overlay::diff_size(DiffRequest const& request) const {
  return comparer().diff_size(request);
}

STRATA_INLINE void Overlay::unmount(LayerId const& id, Flush flush) {
  mounter_.unmount(mount_path(id), flush);
}

STRATA_INLINE bool Overlay::is_mounted(LayerId const& id) const {
  return sys::is_mount_point(mount_path(id));
}

STRATA_INLINE fs::path Overlay::mount_path(LayerId const& id) const { return mount_places().of(id); }

STRATA_INLINE overlay::MountPlaces Overlay::mount_places() const { return {dirs_, run_home_, read_only_}; }

STRATA_INLINE overlay::Comparer Overlay::comparer() const { return {mount_places(), mounter_}; }

STRATA_INLINE Overlay::Overlay(Overlay&&) noexcept = default;

STRATA_INLINE Overlay& Overlay::operator=(Overlay&&) noexcept = default;

STRATA_INLINE Overlay::~Overlay() = default;

}  // namespace strata::drivers
