#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/sys/userns.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

/// How archives say that something of the parent is gone (OCI image specification, "Whiteouts"), and how overlayfs
/// says it on disk (kernel documentation, filesystems/overlayfs, "whiteouts and opaque directories").
namespace strata::archive {

inline constexpr std::string_view whiteout_prefix = ".wh.";
inline constexpr std::string_view whiteout_meta_prefix = ".wh..wh.";  ///< names that aufs kept for itself
inline constexpr std::string_view whiteout_opaque =
    ".wh..wh..opq";  ///< the directory hides all of its parent's
inline constexpr std::string_view whiteout_links = ".wh..wh.plnk";  ///< aufs's directory of hard-linked files

inline bool is_whiteout(std::string_view base) noexcept { return base.starts_with(whiteout_prefix); }

/// What `.wh.<name>` hides: `<name>`. Not for the opaque marker.
/// @throws `Errc::unsafe_path`: what is left is empty, "." or "..", which would name the directory or one above it
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

/// Is it overlayfs's sign for a deleted file: a character device 0:0?
inline bool is_overlay_whiteout(struct stat const& status) noexcept {
  return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

/// Names of overlayfs's own attributes.
/// @param user_xattr  mounts of a user namespace ("userxattr") keep them where they may write
struct OverlayXattr {
  bool user_xattr = false;

  /// As this process's mounts have them.
  static OverlayXattr here() noexcept { return {.user_xattr = sys::in_user_namespace()}; }

  /// Its value "y" makes a directory hide what is below it.
  char const* opaque() const noexcept {
    return user_xattr ? "user.overlay.opaque" : "trusted.overlay.opaque";
  }
  /// Where the contents of a renamed directory are.
  char const* redirect() const noexcept {
    return user_xattr ? "user.overlay.redirect" : "trusted.overlay.redirect";
  }
  /// A file of which only the attributes were copied up.
  char const* metacopy() const noexcept {
    return user_xattr ? "user.overlay.metacopy" : "trusted.overlay.metacopy";
  }
};

/// An archive says that something is gone by a ".wh." name. One that holds overlayfs's own sign would hide files there without
/// saying so to anybody: it is refused. Where a layer is a whole tree, it is a device like others, as in the Go library.
/// @throws `Errc::reserved_entry`
inline void refuse_reserved(TarHeader const& header) {
  if (header.type == EntryType::char_device && header.dev_major == 0 && header.dev_minor == 0)
    throw Error(Errc::reserved_entry, "character device 0:0 \"" + header.name + '"');
}

/// Attributes that steer overlayfs itself. No archive may set them.
inline bool is_overlay_xattr(std::string_view key) noexcept {
  return key.starts_with("trusted.overlay.") || key.starts_with("user.overlay.");
}

/// Is it one that unpacking an archive sets? Not what belongs to the host (labels) or to the driver.
inline bool is_unpacked_xattr(std::string_view key) noexcept {
  return key != "security.selinux" && !is_overlay_xattr(key);
}

}  // namespace strata::archive
