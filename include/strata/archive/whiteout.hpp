#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
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
inline std::string_view whiteout_target(std::string_view base) {
  auto const target = base.substr(whiteout_prefix.size());
  if (target.empty() || target == "." || target == "..")
    throw Error(Errc::unsafe_path, "whiteout \"" + std::string(base) + '"');
  return target;
}

/// `dir/.wh.base` for `dir/base`.
inline std::string whiteout_path(std::string_view path) {
  auto const slash = path.rfind('/');
  auto const base = slash == std::string_view::npos ? 0 : slash + 1;
  std::string out(path.substr(0, base));
  return out.append(whiteout_prefix).append(path.substr(base));
}

/// True for overlayfs's whiteout: a character device 0:0.
inline bool is_overlay_whiteout(struct stat const& status) noexcept {
  return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

/// Names of overlayfs's own extended attributes.
/// @param user_xattr for mounts in a user namespace ("userxattr"), which use the writable user.* names
struct OverlayXattr {
  bool user_xattr = false;

  /// The names that mounts of this process use.
  static OverlayXattr here() noexcept { return {.user_xattr = sys::in_user_namespace()}; }

  /// Value "y" makes a directory opaque.
  char const* opaque() const noexcept {
    return user_xattr ? "user.overlay.opaque" : "trusted.overlay.opaque";
  }
  /// The original location of a renamed directory's contents.
  char const* redirect() const noexcept {
    return user_xattr ? "user.overlay.redirect" : "trusted.overlay.redirect";
  }
  /// Marks a file of which only the metadata was copied up.
  char const* metacopy() const noexcept {
    return user_xattr ? "user.overlay.metacopy" : "trusted.overlay.metacopy";
  }
};

/// Refuses an entry that overlayfs would take for a whiteout: it would hide files without an explicit ".wh."
/// entry. Where a layer is a complete tree, it is a device like any other, as in the Go library.
/// @throws `Errc::reserved_entry`
inline void refuse_reserved(TarHeader const& header) {
  if (header.type == EntryType::char_device && header.dev_major == 0 && header.dev_minor == 0)
    throw Error(Errc::reserved_entry, "character device 0:0 \"" + header.name + '"');
}

/// True for attributes that control overlayfs. Archives must not set them.
inline bool is_overlay_xattr(std::string_view key) noexcept {
  return key.starts_with("trusted.overlay.") || key.starts_with("user.overlay.");
}

/// True if unpacking sets the attribute: not those of the host (labels) or of the driver.
inline bool is_unpacked_xattr(std::string_view key) noexcept {
  return key != "security.selinux" && !is_overlay_xattr(key);
}

}  // namespace strata::archive
