#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/userns.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/override_stat.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE AttributeSetter::AttributeSetter(int fd, sys::OpenedAs as, std::string_view path)
    : node_(fd, as), path_(path), status_(sys::status_of(fd, path)) {}

STRATA_INLINE struct stat const& AttributeSetter::status() const noexcept { return status_; }

STRATA_INLINE void AttributeSetter::check_owner(TarHeader const& header, std::string_view path) {
  // -1 means "do not change"
  auto const valid = [](std::int64_t id) { return id >= 0 && id < 0xFFFF'FFFF; };
  if (!valid(header.uid) || !valid(header.gid))
    throw Error(Errc::corrupt_archive, "owner of \"" + std::string(path) + '"');
}

STRATA_INLINE void AttributeSetter::owner(TarHeader const& header, ChownErrors errors) {
  check_owner(header, path_);
  auto const uid = static_cast<uid_t>(header.uid);
  auto const gid = static_cast<gid_t>(header.gid);
  if (status_.st_uid == uid && status_.st_gid == gid) return;
  if (!node_.set_owner(uid, gid)) {
    if (errors == ChownErrors::ignore) return;
    fail("chown");
  }
  owner_changed_ = true;
}

STRATA_INLINE void AttributeSetter::mode(std::uint32_t permissions) {
  auto const wanted = static_cast<mode_t>(permissions & 07777U);
  bool const may_be_stripped = owner_changed_ && (wanted & (S_ISUID | S_ISGID)) != 0;
  if ((status_.st_mode & 07777U) == wanted && !may_be_stripped) return;
  if (!node_.set_mode(wanted)) fail("chmod");
}

STRATA_INLINE void AttributeSetter::stand_in(std::uint32_t stored_mode, std::string const& real) {
  if (!node_.set_xattr(override_stat_xattr, real))
    fail(std::string("setxattr ") + override_stat_xattr + " on");
  mode(stored_mode);
}

STRATA_INLINE void AttributeSetter::xattrs(TarHeader const& header) {
  for (auto const& [key, value] : header.xattrs) {
    if (!is_unpacked_xattr(key)) continue;
    if (node_.set_xattr(key.c_str(), value) || errno == ENOTSUP ||
        (errno == EPERM && sys::in_user_namespace()))
      continue;
    // A link opened with O_PATH: /proc leads to the link itself, which cannot carry this attribute.
    if (S_ISLNK(status_.st_mode) && (errno == EPERM || errno == ELOOP)) continue;
    fail("setxattr " + key + " on");
  }
}

STRATA_INLINE std::array<timespec, 2> AttributeSetter::times_of(TarHeader const& header) {
  auto atime = header.atime.value_or(FileTime{});
  if (atime < header.mtime) atime = header.mtime;
  return clamp(atime, header.mtime, header.type == EntryType::symlink);
}

STRATA_INLINE std::array<timespec, 2> AttributeSetter::clamp(FileTime atime, FileTime mtime,
                                                             bool also_before_1970) {
  auto const spec = [&](FileTime t) {
    if (t.seconds < 0 && !also_before_1970) t = {};
    return timespec{.tv_sec = t.seconds, .tv_nsec = t.nanoseconds};
  };
  return {spec(atime), spec(mtime)};
}

STRATA_INLINE void AttributeSetter::times(std::array<timespec, 2> const& spec) {
  if (!node_.set_times(spec)) fail("utimensat");
}

}  // namespace strata::archive
