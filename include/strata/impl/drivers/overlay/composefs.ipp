#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/sys/erofs.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE bool is_composefs(fs::path const& layer) {
  auto const status = sys::find_status(composefs_image(layer));
  return status && S_ISREG(status->st_mode);
}

STRATA_INLINE ComposefsLowers::ComposefsLowers(MountPlan& plan) {
  auto const places = plan.target.parent_path() / paths::overlay::composefs_mounts;
  for (auto& lower : plan.lowers) {
    auto const layer = lower.parent_path();
    if (lower.filename() != paths::overlay::diff || !is_composefs(layer)) continue;
    auto const place = places / std::to_string(mounted_.size());
    try {
      for (auto const& directory : {places, place})
        if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", directory);
      while (sys::unmount(place)) continue;  // left by a dead process
      auto const image = sys::mount_erofs(composefs_image(layer));
      if (::move_mount(image.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
        sys::throw_errno("mount erofs", place);
    } catch (Error const&) {
      detach();
      throw;
    }
    mounted_.push_back(place);
    plan.data_lowers.push_back(std::exchange(lower, place));
  }
  if (mounted_.empty()) return;
  for (auto const* option : {"metacopy=on", "redirect_dir=on"})
    if (std::ranges::find(plan.options, option) == plan.options.end()) plan.options.emplace_back(option);
}

STRATA_INLINE void ComposefsLowers::detach() noexcept {
  for (auto const& place : std::exchange(mounted_, {})) try {
      sys::unmount(place);
    } catch (std::exception const&) {  // the next mount at that place removes it
    }
}

STRATA_INLINE OpenTree OpenTree::of(fs::path const& layer) {
  OpenTree tree{.files = sys::open_at(AT_FDCWD, layer / paths::overlay::diff, O_PATH | O_DIRECTORY)};
  if (is_composefs(layer)) tree.data = std::exchange(tree.files, sys::mount_erofs(composefs_image(layer)));
  return tree;
}

STRATA_INLINE sys::Fd OpenTree::contents(sys::Fd file, std::string const& path) const {
  auto const redirect = data ? sys::get_xattr(file.get(), "trusted.overlay.redirect", path) : std::nullopt;
  if (!redirect) return file;  // contents of short files are in the image
  return sys::try_open_in_root(data.get(), redirect->c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

}  // namespace strata::drivers::overlay
