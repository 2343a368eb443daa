#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

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
bool is_composefs(fs::path const& layer);

/// Replaces the flat trees of such layers among the lowers of a mount by their images, and appends the flat
/// trees as data-only lowers. The images are mounted while the object exists; overlayfs keeps its own
/// references.
class ComposefsLowers {
 public:
  /// @param plan  changed if there are such layers; the mount points of images are made in its target's
  ///   directory
  /// @throws `errno`, "mount erofs <image>"
  explicit ComposefsLowers(MountPlan& plan);
  ~ComposefsLowers() { detach(); }
  ComposefsLowers(ComposefsLowers const&) = delete;
  ComposefsLowers& operator=(ComposefsLowers const&) = delete;

 private:
  void detach() noexcept;
  std::vector<fs::path> mounted_ = {};
};

/// A layer's own tree, of either form, open for look-ups.
struct OpenTree {
  sys::Fd files;      ///< the root of the tree
  sys::Fd data = {};  ///< the root of the contents, for a composefs layer

  static OpenTree of(fs::path const& layer);

  /// The file that has the contents of one of the image. Invalid, with `errno` set, if it does not exist.
  sys::Fd contents(sys::Fd file, std::string const& path) const;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/composefs.ipp>
#endif
