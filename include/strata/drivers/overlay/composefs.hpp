#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/fs.hpp>
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
#include <optional>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

/// Layers as containers/storage makes them with `use_composefs`: `diff` is flat, with contents named by
/// digest; beside it is an EROFS image of a tree whose files refer to their contents by overlayfs's
/// attributes (github.com/containers/composefs). Such layers are read, not created.
namespace strata::drivers::overlay {

/// Path of the EROFS image of a layer, which exists only for composefs layers.
inline fs::path composefs_image(fs::path const& layer) { return layer / paths::overlay::composefs_image; }

/// @param layer  directory of the layer
/// @throws       `errno`, "stat <image>", if this cannot be determined
inline bool is_composefs(fs::path const& layer) {
  auto const status = sys::find_status(composefs_image(layer));
  return status && S_ISREG(status->st_mode);
}

/// Replaces the flat trees of such layers among the lowers of a mount by their images, and appends the flat
/// trees as data-only lowers. The images are mounted while the object exists; overlayfs keeps its own
/// references.
class ComposefsLowers {
 public:
  /// @param plan  changed if there are such layers; the mount points of images are made in its target's
  ///   directory
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
  ~ComposefsLowers() { detach(); }
  ComposefsLowers(ComposefsLowers const&) = delete;
  ComposefsLowers& operator=(ComposefsLowers const&) = delete;

 private:
  void detach() noexcept {
    for (auto const& place : std::exchange(mounted_, {})) try {
        sys::unmount(place);
      } catch (std::exception const&) {  // the next mount at that place removes it
      }
  }
  std::vector<fs::path> mounted_ = {};
};

/// A layer's own tree, of either form, open for look-ups.
struct OpenTree {
  sys::Fd files;      ///< the root of the tree
  sys::Fd data = {};  ///< the root of the contents, for a composefs layer

  static OpenTree of(fs::path const& layer) {
    OpenTree tree{.files = sys::open_at(AT_FDCWD, layer / paths::overlay::diff, O_PATH | O_DIRECTORY)};
    if (is_composefs(layer)) tree.data = std::exchange(tree.files, sys::mount_erofs(composefs_image(layer)));
    return tree;
  }

  /// The file that has the contents of one of the image. Invalid, with `errno` set, if it does not exist.
  sys::Fd contents(sys::Fd file, std::string const& path) const {
    auto const redirect = data ? sys::get_xattr(file.get(), "trusted.overlay.redirect", path) : std::nullopt;
    if (!redirect) return file;  // contents of short files are in the image
    return sys::try_open_in_root(data.get(), redirect->c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  }
};

}  // namespace strata::drivers::overlay
