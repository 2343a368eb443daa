#pragma once

#include <strata/former.hpp>
#include <strata/id_map.hpp>
#include <strata/tree/lower_view.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace strata::archive {

/// What becomes of ".wh." entries.
enum class Whiteouts {
  overlay,  ///< overlayfs's own form: character devices 0:0, and the opaque attribute of directories
  execute,  ///< what they name is deleted from the tree, which holds a copy of the parent
  keep,     ///< they stay the empty files that they are in the archive, as mount programs have them
};

struct ApplyOptions {
  Whiteouts whiteouts = Whiteouts::overlay;
  /// With `Whiteouts::overlay`: what the tree is laid over. None: not known, and every whiteout is made. With `execute` and
  /// `Former::kept`: what the tree was copied from before it became what it is, of whose links the archive may know.
  std::shared_ptr<LowerView const> below = {};
  bool user_xattr = false;  ///< mark opaque directories with user.overlay.opaque instead of trusted.…
  /// Mode that directories and files are stored with, owned by who unpacks them; what they are goes into an attribute
  /// (`override_stat_text`). Devices and fifos become empty files.
  std::optional<std::uint32_t> force_mask = {};
  bool ignore_chown_errors = false;  ///< leave the owner as it is where the kernel refuses to change it
  IdMaps maps = {};                  ///< from the ids of headers to those of files
  /// This archive was being unpacked here before, and was not to its end: what a whiteout finds may be of that attempt.
  bool again = false;
  /// What the tree has. Whatever is kept, what an entry takes the very place of goes.
  Former former = Former::gives_way;
  /// As release 1.43 of containers/storage unpacks, to tell what it has made: also what could not be exported again,
  /// whiteouts by `ReferenceWhiteouts`, and no archive of which a directory is gone in the end.
  bool as_reference = false;
};

}  // namespace strata::archive
