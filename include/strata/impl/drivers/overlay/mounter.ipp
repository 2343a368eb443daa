#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/drivers/overlay/mounter.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE Mounter::Mounter(fs::path home, Features features, Options const& options, bool user_xattr)
    : home_(std::move(home)),
      features_(std::move(features)),
      program_(options.mount_program),
      force_mask_(options.force_mask.has_value()),
      user_xattr_(user_xattr) {}

STRATA_INLINE void Mounter::choose_program(LayerDirs const& dirs) {
  note_program(dirs);
  if (by_program()) return;
  auto const kernel = features_.overlay();
  if (kernel.works) return;
  if (user_xattr_) {
    program_ = find_program("fuse-overlayfs");
    note_program(dirs);
  }
  if (!by_program())
    throw Error(Errc::driver_unusable, "overlay in " + home_.native() + ": " + kernel.reason);
}

STRATA_INLINE bool Mounter::shifts(IdMaps const& maps) const {
  auto const* disabled = std::getenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP");
  if (disabled != nullptr && std::string_view(disabled) == "yes") return false;
  if (by_program()) return idmap::is_contiguous(maps.uids) && idmap::is_contiguous(maps.gids);
  return features_.idmapped_lower();
}

STRATA_INLINE std::vector<std::string> Mounter::options(std::vector<std::string> const& asked) const {
  static std::string const metacopy_on = "metacopy=on";
  auto const has_metacopy = [](std::vector<std::string> const& options) {
    return std::find(options.begin(), options.end(), metacopy_on) != options.end();
  };
  auto const configured = features_.configured();
  auto options = asked.empty() ? configured : asked;
  // What was written with metacopy must be mounted with it; a kernel without support rejects the option.
  if (has_metacopy(configured) && !has_metacopy(options)) options.push_back(metacopy_on);
  if (has_metacopy(options) && !features_.metacopy()) std::erase(options, metacopy_on);
  return options;
}

STRATA_INLINE MountPlan Mounter::plan(LayerDirs const& dirs, fs::path const& layer, bool writable,
                                      MountRequest const& request) const {
  MountPlan plan{
      .lowers = dirs.trees_below(layer), .options = options(request.options), .label = request.label};
  if (plan.lowers.empty()) {
    auto const empty = layer / paths::overlay::empty;
    if (writable && ::mkdir(empty.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", empty);
    plan.lowers.push_back(empty);
  }
  if (plan.lowers.size() > most_lowers)
    throw Error(Errc::unsupported, "layer " + layer.filename().native() + ": " +
                                       std::to_string(plan.lowers.size()) +
                                       " layers below it; max depth exceeded");
  auto const asked = std::find(plan.options.begin(), plan.options.end(), "ro") != plan.options.end();
  if (request.read_only || asked || !writable) {
    plan.lowers.insert(plan.lowers.begin(), layer / paths::overlay::diff);
    if (!asked) plan.options.emplace_back("ro");
    return plan;
  }
  if (is_composefs(layer))
    throw Error(Errc::unsupported,
                "cannot mount composefs layer " + layer.filename().native() + " as writeable");
  plan.upper = layer / paths::overlay::diff;
  plan.work = layer / paths::overlay::work;
  if (request.is_volatile && can_be_volatile()) plan.options.emplace_back("volatile");
  return plan;
}

STRATA_INLINE void Mounter::mount(MountPlan plan) const {
  if (by_program()) return mount_by_program(std::move(plan));
  ComposefsLowers const images(plan);
  mount_by_kernel(plan, [](MountPlan const& ready) { mount_overlay(ready); });
}

STRATA_INLINE void Mounter::mount_shifted(MountPlan plan, fs::path const& layer, IdMaps const& maps) const {
  if (by_program()) {
    shift_by_program(plan, maps);
    return mount_by_program(std::move(plan));
  }
  mount_by_kernel(plan, [&](MountPlan const& ready) { overlay::mount_shifted(ready, layer, maps); });
}

STRATA_INLINE void Mounter::unmount(fs::path const& target, Flush level) const {
  if (level == Flush::full) flush(target);
  if (!by_program() || !unmount_by_program(target)) sys::unmount(target);
}

STRATA_INLINE void Mounter::flush(fs::path const& target) {
  if (!sys::is_mount_point(target)) return;
  auto const root = sys::find_at(target, O_RDONLY | O_DIRECTORY).best_effort();
  if (root) sys::flush_file_system(root->get(), target);
}

STRATA_INLINE void Mounter::note_program(LayerDirs const& dirs) {
  auto const mark = home_ / paths::overlay::has_mount_program;
  auto text = sys::read_stored(mark);
  auto const remember = [&](std::string_view answer) {
    if (text != answer) sys::replace_file(mark, answer, {.mode = 0600, .flush = Flush::none});
    text = answer;
  };
  if (by_program()) return remember("true");
  if (!text) remember(used_mount_program(dirs) ? "true" : "false");
  if (text == "true") program_ = find_program("fuse-overlayfs");
}

STRATA_INLINE void Mounter::mount_by_program(MountPlan plan) const {
  for (auto const& lower : plan.lowers)
    if (is_composefs(lower.parent_path()))
      throw Error(Errc::unsupported,
                  "composefs layer " + lower.parent_path().filename().native() + " with a mount program");
  if (force_mask_) plan.options.emplace_back("xattr_permissions=2");
  overlay::mount_by_program(program_, home_, plan);
}

}  // namespace strata::drivers::overlay
