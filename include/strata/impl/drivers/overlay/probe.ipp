#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/drivers/overlay/probe.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/idmapped_mount.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE std::optional<Answer> FeatureCache::find(std::string const& feature) const {
  if (::access((directory_ / (feature + "-true")).c_str(), F_OK) == 0) return Answer{.works = true};
  auto reason = sys::read_stored(directory_ / (feature + "-false"));
  if (!reason) return std::nullopt;
  return Answer{.works = false, .reason = *std::move(reason)};
}

STRATA_INLINE void FeatureCache::put(std::string const& feature, Answer const& finding) const {
  if (feature.find('/') != std::string::npos) return;
  sys::make_directories(directory_, 0700);
  auto const path = directory_ / (feature + (finding.works ? "-true" : "-false"));
  auto const file = sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  sys::write_all(file.get(), as_bytes(finding.reason), path);
}

}  // namespace strata::drivers::overlay

namespace strata::drivers::overlay::detail {

STRATA_INLINE ProbeMount::ProbeMount(fs::path const& temp_dirs)
    : directory_(sys::StagingDirectory::create(temp_dirs)) {
  for (auto const* name : {"far", "near", "upper", "work", "merged"}) make(name);
}

STRATA_INLINE ProbeMount::~ProbeMount() {
  try {
    sys::unmount_below(directory_.path());
  } catch (std::exception const&) {  // the staging directory detaches what is left in it
  }
}

STRATA_INLINE void ProbeMount::make(std::string_view name) const {
  if (::mkdir(path(name).c_str(), 0700) != 0) sys::throw_errno("mkdir", path(name));
}

STRATA_INLINE void ProbeMount::make_file(std::string_view name) const {
  static_cast<void>(sys::open_at(AT_FDCWD, path(name), O_WRONLY | O_CREAT | O_EXCL, 0644));
}

STRATA_INLINE void ProbeMount::mount(std::vector<std::string> const& options, fs::path const& far) const {
  mount_overlay({.lowers = {path("near"), far.empty() ? path("far") : far},
                 .upper = path("upper"),
                 .work = path("work"),
                 .options = options,
                 .target = path("merged"),
                 .user_xattr = names_.user_xattr});
}

STRATA_INLINE bool ProbeMount::has_xattr(std::string_view name, char const* key) const {
  return ::lgetxattr(path(name).c_str(), key, nullptr, 0) >= 0;
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE Answer probe_overlay(fs::path const& temp_dirs) {
  return detail::ask([&] {
    detail::ProbeMount const probe(temp_dirs);
    probe.mount({});
    return std::string();
  });
}

STRATA_INLINE Answer probe_native_diff(fs::path const& temp_dirs, std::vector<std::string> const& options) {
  return detail::ask([&]() -> std::string {
    detail::ProbeMount const probe(temp_dirs);
    for (auto const* name : {"far/kept", "far/moved", "near/kept"}) probe.make(name);
    if (::setxattr(probe.path("near/kept").c_str(), probe.names().opaque(), "y", 1, 0) != 0)
      sys::throw_errno("setxattr", probe.path("near/kept"));
    probe.mount(options);
    probe.make_file("merged/kept/new");
    if (probe.has_xattr("upper/kept", probe.names().opaque())) return "the opaque mark is copied up";
    if (::rename(probe.path("merged/moved").c_str(), probe.path("merged/elsewhere").c_str()) != 0)
      return errno == EXDEV ? std::string() : "a directory cannot be renamed";
    if (probe.has_xattr("upper/elsewhere", probe.names().redirect()))
      return "renamed directories are redirected";
    return {};
  });
}

STRATA_INLINE Answer probe_metacopy(fs::path const& temp_dirs, std::vector<std::string> const& options) {
  return detail::ask([&]() -> std::string {
    detail::ProbeMount const probe(temp_dirs);
    probe.make_file("far/file");
    probe.mount(options);
    if (::chmod(probe.path("merged/file").c_str(), 0600) != 0)
      sys::throw_errno("chmod", probe.path("merged/file"));
    if (probe.has_xattr("upper/file", probe.names().metacopy())) return {};
    return "files are copied up whole";
  });
}

STRATA_INLINE Answer probe_volatile(fs::path const& temp_dirs) {
  return detail::ask([&] {
    detail::ProbeMount const probe(temp_dirs);
    probe.mount({"volatile"});
    return std::string();
  });
}

STRATA_INLINE Answer probe_idmapped_lower(fs::path const& temp_dirs) {
  return detail::ask([&] {
    detail::ProbeMount const probe(temp_dirs);
    probe.make("mapped");
    IdMap const one{{0, 1000, 1}};
    sys::idmapped_bind(probe.path("far"), probe.path("mapped"), sys::MappedNamespace({one, one}));
    probe.mount({}, probe.path("mapped"));
    return std::string();
  });
}

}  // namespace strata::drivers::overlay
