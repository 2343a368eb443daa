#pragma once

#include <strata/archive/whiteout.hpp>

namespace strata::archive {

STRATA_INLINE std::string_view whiteout_target(std::string_view base) {
  auto const target = base.substr(whiteout_prefix.size());
  if (target.empty() || target == "." || target == "..")
    throw Error(Errc::unsafe_path, "whiteout \"" + std::string(base) + '"');
  return target;
}

STRATA_INLINE std::string whiteout_path(std::string_view path) {
  auto const slash = path.rfind('/');
  auto const base = slash == std::string_view::npos ? 0 : slash + 1;
  std::string out(path.substr(0, base));
  return out.append(whiteout_prefix).append(path.substr(base));
}

STRATA_INLINE bool is_overlay_whiteout(struct stat const& status) noexcept {
  return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

STRATA_INLINE char const* OverlayXattr::opaque() const noexcept {
  return user_xattr ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

STRATA_INLINE char const* OverlayXattr::redirect() const noexcept {
  return user_xattr ? "user.overlay.redirect" : "trusted.overlay.redirect";
}

STRATA_INLINE char const* OverlayXattr::metacopy() const noexcept {
  return user_xattr ? "user.overlay.metacopy" : "trusted.overlay.metacopy";
}

STRATA_INLINE void refuse_redirected(std::string_view path) {
  throw Error(Errc::unsupported,
              "reading \"" + std::string(path) +
                  "\", redirected by overlayfs, without a mount with metacopy and redirect_dir");
}

STRATA_INLINE void refuse_reserved(TarHeader const& header) {
  if (header.type == EntryType::char_device && header.dev_major == 0 && header.dev_minor == 0)
    throw Error(Errc::reserved_entry, "character device 0:0 \"" + header.name + '"');
}

STRATA_INLINE bool is_overlay_xattr(std::string_view key) noexcept {
  return key.starts_with("trusted.overlay.") || key.starts_with("user.overlay.");
}

STRATA_INLINE bool is_unpacked_xattr(std::string_view key) noexcept {
  return key != "security.selinux" && !is_overlay_xattr(key);
}

}  // namespace strata::archive
