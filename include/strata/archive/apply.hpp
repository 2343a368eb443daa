#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/sys/fd.hpp>

#include <memory>

namespace strata::archive {

/// What becomes of ".wh." entries.
enum class Whiteouts {
  overlay,  ///< overlayfs's own form: character devices 0:0, and the opaque attribute of directories
  execute,  ///< what they name is deleted from the tree, which holds a copy of the parent
};

struct ApplyOptions {
  Whiteouts whiteouts = Whiteouts::overlay;
  bool user_xattr = false;           ///< mark opaque directories with user.overlay.opaque instead of trusted.…
  bool ignore_chown_errors = false;  ///< leave the owner as it is where the kernel refuses to change it
};

/// Unpacks archive entries, one after the other, over a directory tree.
class Applier {
 public:
  /// @param root  the tree's directory, opened with O_PATH or O_RDONLY
  explicit Applier(sys::Fd root, ApplyOptions options = {});

  /// One entry; reads `body` to its end.
  void add(TarHeader const& header, Reader& body);

  /// Directory times. To be called once, after the last entry.
  void finish();
};

}  // namespace strata::archive
