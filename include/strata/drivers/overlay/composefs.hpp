#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/paths.hpp>
#include <strata/sys/erofs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

/// Layers as containers/storage makes them with `use_composefs`: contents by digest, flat, in `diff`, and beside it an
/// EROFS image of a tree whose files say by overlayfs's attributes where theirs are (on-disk-format §5.12; github.com/
/// containers/composefs). They are read, not made.
namespace strata::drivers::overlay {

inline std::filesystem::path composefs_image(std::filesystem::path const& layer) {
  return layer / paths::overlay::composefs_image;
}

/// @param layer  its directory
/// @throws       `errno`, "stat <image>", if that cannot be told
inline bool is_composefs(std::filesystem::path const& layer) {
  auto const status = sys::find_status(composefs_image(layer));
  return status && S_ISREG(status->st_mode);
}

/// Puts the images of such layers in the place of their flat trees among the lowers of a mount, and the flat trees behind
/// all, where only contents are looked for. While it lives the images are mounted; overlayfs then keeps its own.
class ComposefsLowers {
 public:
  /// @param plan  its target's directory gets the images' mount points; changed if there are such layers
  /// @throws `errno`, "mount erofs <image>"
  explicit ComposefsLowers(MountPlan& plan) {
    auto const places = plan.target.parent_path() / paths::overlay::composefs_mounts;
    for (auto& lower : plan.lowers) {
      auto const layer = lower.parent_path();
      if (lower.filename() != paths::overlay::diff || !is_composefs(layer)) continue;
      auto const place = places / std::to_string(mounted_.size());
      try {
        for (auto const& directory : {places, place})
          if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", directory);
        while (sys::unmount(place)) continue;  // what a dead process left
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
  ~ComposefsLowers() { detach(); }
  ComposefsLowers(ComposefsLowers const&) = delete;
  ComposefsLowers& operator=(ComposefsLowers const&) = delete;

 private:
  void detach() noexcept {
    for (auto const& place : std::exchange(mounted_, {})) try {
        sys::unmount(place);
      } catch (std::exception const&) {  // the next mount at that place takes it away
      }
  }
  std::vector<std::filesystem::path> mounted_ = {};
};

/// A layer's own tree, in whichever form, open for files to be looked up.
struct OpenTree {
  sys::Fd files;      ///< root of the tree
  sys::Fd data = {};  ///< root of the contents, for a layer of composefs

  static OpenTree of(std::filesystem::path const& layer) {
    OpenTree tree{.files = sys::open_at(AT_FDCWD, layer / paths::overlay::diff, O_PATH | O_DIRECTORY)};
    if (is_composefs(layer)) tree.data = std::exchange(tree.files, sys::mount_erofs(composefs_image(layer)));
    return tree;
  }

  /// The file that has the contents of one of the image. Nothing, and `errno`, if they are not there.
  sys::Fd contents(sys::Fd file, std::string const& path) const {
    auto const redirect = data ? sys::get_xattr(file.get(), "trusted.overlay.redirect", path) : std::nullopt;
    if (!redirect) return file;  // short ones are in the image
    return sys::try_open_in_root(data.get(), redirect->c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  }
};

}  // namespace strata::drivers::overlay
