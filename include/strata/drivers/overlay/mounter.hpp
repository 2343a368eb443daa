#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/features.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/mount.hpp>
#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/shifted_mount.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/paths.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Mounts the layers of a home: determines the layers below, the options, whether the kernel or a mount
/// program mounts, and the owners that are shown. Thread-safe, except for `choose_program`.
class Mounter {
 public:
  /// @param home        working directory of a mount program
  /// @param user_xattr  the kernel's attributes are "user.overlay.*"
  Mounter(fs::path home, Features features, Options const& options, bool user_xattr)
      : home_(std::move(home)),
        features_(std::move(features)),
        program_(options.mount_program),
        force_mask_(options.force_mask.has_value()),
        user_xattr_(user_xattr) {}

  /// Selects what mounts: the configured program; the one with which layers were written; the kernel; or, if
  /// that lets only root mount overlays, fuse-overlayfs, as in containers/storage. Records in the home if it
  /// is a program.
  /// @throws `Errc::driver_unusable`, with the kernel's reason; `errno`
  void choose_program(LayerDirs const& dirs) {
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

  bool by_program() const noexcept { return !program_.empty(); }
  Features const& features() const noexcept { return features_; }

  bool can_be_volatile() const { return by_program() || features_.volatile_mounts(); }

  /// True if mounts can show other owners: by a mount program if the maps are one offset, by Linux from 5.19
  /// on, unless the environment variable `_CONTAINERS_OVERLAY_DISABLE_IDMAP` is "yes" (as in
  /// containers/storage).
  bool shifts(IdMaps const& maps) const {
    auto const* disabled = std::getenv("_CONTAINERS_OVERLAY_DISABLE_IDMAP");
    if (disabled != nullptr && std::string_view(disabled) == "yes") return false;
    if (by_program()) return idmap::is_contiguous(maps.uids) && idmap::is_contiguous(maps.gids);
    return features_.idmapped_lower();
  }

  /// Options of a mount for which `asked` was given; the configured ones if that is empty.
  std::vector<std::string> options(std::vector<std::string> const& asked = {}) const {
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

  /// Plans the mount of a layer, without a target.
  /// @param layer     directory of the layer
  /// @param writable  false: mounts read-only whatever the request says, and creates nothing in the layer
  /// @throws `Errc::parent_unknown`; `Errc::unsupported` for more than 500 layers, or to write to a composefs
  ///   layer; `errno`
  MountPlan plan(LayerDirs const& dirs, fs::path const& layer, bool writable,
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

  /// @throws `errno`; EBUSY with the processes that use the layer; `Errc::driver_unusable`: the mount program
  ///   failed; `Errc::unsupported`: a composefs layer with a mount program
  void mount(MountPlan plan) const {
    if (by_program()) return mount_by_program(std::move(plan));
    ComposefsLowers const images(plan);
    mount_by_kernel(plan, [](MountPlan const& ready) { mount_overlay(ready); });
  }

  /// As above, with the layers below showing the owners that a container with these maps sees.
  /// @param layer  directory of the layer
  void mount_shifted(MountPlan plan, fs::path const& layer, IdMaps const& maps) const {
    if (by_program()) {
      shift_by_program(plan, maps);
      return mount_by_program(std::move(plan));
    }
    mount_by_kernel(plan, [&](MountPlan const& ready) { overlay::mount_shifted(ready, layer, maps); });
  }

  /// As `sys::unmount`, but with fuse's own program for mounts of a mount program, if it is installed.
  void unmount(fs::path const& target, Flush level) const {
    if (level == Flush::full) flush(target);
    if (!by_program() || !unmount_by_program(target)) sys::unmount(target);
  }

 private:
  /// The kernel flushes when the mount is removed, but does not report errors. Volatile mounts are flushed by
  /// neither; a mount whose program has died cannot be opened.
  static void flush(fs::path const& target) {
    if (!sys::is_mount_point(target)) return;
    auto const root = sys::find_at(target, O_RDONLY | O_DIRECTORY).best_effort();
    if (root) sys::flush_file_system(root->get(), target);
  }

  static constexpr std::size_t most_lowers = 500;  // the kernel's OVL_MAX_STACK

  void note_program(LayerDirs const& dirs) {
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

  void mount_by_program(MountPlan plan) const {
    for (auto const& lower : plan.lowers)
      if (is_composefs(lower.parent_path()))
        throw Error(Errc::unsupported,
                    "composefs layer " + lower.parent_path().filename().native() + " with a mount program");
    if (force_mask_) plan.options.emplace_back("xattr_permissions=2");
    overlay::mount_by_program(program_, home_, plan);
  }

  template <class Mount>
  void mount_by_kernel(MountPlan& plan, Mount const& mount) const {
    plan.user_xattr = user_xattr_;
    try {
      mount(plan);
    } catch (Error const& error) {
      if (error.code() != std::errc::device_or_resource_busy) throw;
      errno = EBUSY;  // another overlay, possibly in another mount namespace, has the same upper directory
      sys::throw_busy("mount overlay", plan.upper.empty() ? plan.target : plan.upper.parent_path());
    }
  }

  fs::path home_;
  Features features_;
  fs::path program_;  ///< empty: the kernel mounts
  bool force_mask_;
  bool user_xattr_;
};

}  // namespace strata::drivers::overlay
