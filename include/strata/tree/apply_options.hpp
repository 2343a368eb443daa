#pragma once

#include <strata/former.hpp>
#include <strata/id_map.hpp>
#include <strata/tree/lower_view.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace strata::archive {

/// How to treat ".wh." entries.
enum class Whiteouts {
  overlay,  ///< write overlayfs's form: character devices 0:0 and the opaque attribute
  execute,  ///< delete what they name from the tree, which holds a copy of the parent
  keep,     ///< store them as the empty files that they are, as FUSE mount programs do
};

/// Options of an `Applier`.
struct ApplyOptions {
  Whiteouts whiteouts = Whiteouts::overlay;
  /// With `Whiteouts::overlay`: the layers below the tree; if null, they are unknown and every whiteout is
  /// written. With `execute` and `Former::kept`: the tree's original, whose links the archive may rely on.
  std::shared_ptr<LowerView const> below = {};
  bool user_xattr = false;  ///< opaque mark: user.overlay.opaque, not trusted.…
  /// Mode for all directories and files, which then belong to the calling process; the real values go into an
  /// attribute (`override_stat_text`). Devices and FIFOs become empty files.
  std::optional<std::uint32_t> force_mask = {};
  bool ignore_chown_errors = false;  ///< keep the owner where the kernel refuses to change it
  IdMaps maps = {};                  ///< from ids in headers to ids of files
  /// An earlier attempt to unpack this archive here was interrupted; a whiteout's target may stem from it.
  bool again = false;
  /// How to treat the tree's previous contents. What an entry itself replaces is removed in any case.
  Former former = Former::gives_way;
  /// Unpack exactly as containers/storage 1.43, to determine what it has created: accept archives that cannot
  /// be exported again, apply whiteouts by `ReferenceWhiteouts`, and refuse an archive that leaves one of its
  /// directories missing.
  bool as_reference = false;
};

}  // namespace strata::archive
