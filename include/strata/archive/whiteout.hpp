#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/sys/userns.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

/// How archives mark files of the parent as deleted (OCI image specification, "Whiteouts"), and how overlayfs
/// does on disk (kernel documentation, filesystems/overlayfs, "whiteouts and opaque directories").
namespace strata::archive {

inline constexpr std::string_view whiteout_prefix = ".wh.";
inline constexpr std::string_view whiteout_meta_prefix = ".wh..wh.";  ///< names reserved by aufs
inline constexpr std::string_view whiteout_opaque =
    ".wh..wh..opq";  ///< the directory hides the parent's contents
inline constexpr std::string_view whiteout_links = ".wh..wh.plnk";  ///< aufs's directory of hard-linked files

/// True if the last component of a name is a whiteout or an opaque marker.
inline bool is_whiteout(std::string_view base) noexcept { return base.starts_with(whiteout_prefix); }

/// The name that `.wh.<name>` hides. Not for the opaque marker.
/// @throws `Errc::unsafe_path`: the name is empty, "." or "..", and would mean the directory itself or a
///   parent
std::string_view whiteout_target(std::string_view base);

/// `dir/.wh.base` for `dir/base`.
std::string whiteout_path(std::string_view path);

/// True for overlayfs's whiteout: a character device 0:0.
bool is_overlay_whiteout(struct stat const& status) noexcept;

/// Names of overlayfs's own extended attributes.
/// @param user_xattr for mounts in a user namespace ("userxattr"), which use the writable user.* names
struct OverlayXattr {
  bool user_xattr = false;

  /// The names that mounts of this process use.
  static OverlayXattr here() noexcept { return {.user_xattr = sys::in_user_namespace()}; }

  /// Value "y" makes a directory opaque.
  char const* opaque() const noexcept;
  /// The original location of a renamed directory's contents.
  char const* redirect() const noexcept;
  /// Marks a file of which only the metadata was copied up.
  char const* metacopy() const noexcept;
};

/// Refuses a file whose contents, or a directory whose entries, are where overlayfs looks for them by these marks.
/// @throws `Errc::unsupported`
[[noreturn]] void refuse_redirected(std::string_view path);

/// Refuses an entry that overlayfs would take for a whiteout: it would hide files without an explicit ".wh."
/// entry. Where a layer is a complete tree, it is a device like any other, as in the Go library.
/// @throws `Errc::reserved_entry`
void refuse_reserved(TarHeader const& header);

/// True for attributes that control overlayfs. Archives must not set them.
bool is_overlay_xattr(std::string_view key) noexcept;

/// True if unpacking sets the attribute: not those of the host (labels) or of the driver.
bool is_unpacked_xattr(std::string_view key) noexcept;

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/whiteout.ipp>
#endif
