#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/drivers/overlay/mount.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/idmapped_mount.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/staging_directory.hpp>

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Result of a probe and, if negative, the reason.
struct Answer {
  bool works = false;
  std::string reason = {};
};

/// Recorded results of probes: files `<feature>-true` and `<feature>-false` in the run root, which contain
/// the reason, if any. A `-true` file takes precedence.
class FeatureCache {
 public:
  explicit FeatureCache(fs::path directory) : directory_(std::move(directory)) {}

  std::optional<Answer> find(std::string const& feature) const {
    if (::access((directory_ / (feature + "-true")).c_str(), F_OK) == 0) return Answer{.works = true};
    auto reason = sys::read_stored(directory_ / (feature + "-false"));
    if (!reason) return std::nullopt;
    return Answer{.works = false, .reason = *std::move(reason)};
  }

  /// A feature that cannot be a file name (it may contain a mount option with a slash) is not recorded.
  void put(std::string const& feature, Answer const& finding) const {
    if (feature.find('/') != std::string::npos) return;
    sys::make_directories(directory_, 0700);
    auto const path = directory_ / (feature + (finding.works ? "-true" : "-false"));
    auto const file = sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    sys::write_all(file.get(), as_bytes(finding.reason), path);
  }

 private:
  fs::path directory_;
};

namespace detail {

/// Two lower directories, an upper and a mount of them, in a staging directory on the driver's file system.
class ProbeMount {
 public:
  explicit ProbeMount(fs::path const& temp_dirs) : directory_(sys::StagingDirectory::create(temp_dirs)) {
    for (auto const* name : {"far", "near", "upper", "work", "merged"}) make(name);
  }
  ~ProbeMount() {
    try {
      sys::unmount_below(directory_.path());
    } catch (std::exception const&) {  // the staging directory detaches what is left in it
    }
  }
  ProbeMount(ProbeMount const&) = delete;
  ProbeMount& operator=(ProbeMount const&) = delete;

  fs::path path(std::string_view name) const { return directory_.path() / name; }
  void make(std::string_view name) const {
    if (::mkdir(path(name).c_str(), 0700) != 0) sys::throw_errno("mkdir", path(name));
  }
  void make_file(std::string_view name) const {
    static_cast<void>(sys::open_at(AT_FDCWD, path(name), O_WRONLY | O_CREAT | O_EXCL, 0644));
  }
  void mount(std::vector<std::string> const& options, fs::path const& far = {}) const {
    mount_overlay({.lowers = {path("near"), far.empty() ? path("far") : far},
                   .upper = path("upper"),
                   .work = path("work"),
                   .options = options,
                   .target = path("merged"),
                   .user_xattr = names_.user_xattr});
  }
  archive::OverlayXattr names() const noexcept { return names_; }
  bool has_xattr(std::string_view name, char const* key) const {
    return ::lgetxattr(path(name).c_str(), key, nullptr, 0) >= 0;
  }

 private:
  archive::OverlayXattr names_ = archive::OverlayXattr::here();
  sys::StagingDirectory directory_;
};

/// Returns the result of `attempt()`; an exception is a negative answer with its text.
template <class Attempt>
Answer ask(Attempt&& attempt) {
  try {
    std::string reason = attempt();
    bool const works = reason.empty();
    return {.works = works, .reason = std::move(reason)};
  } catch (Error const& error) {
    return {.works = false, .reason = error.what()};
  }
}

}  // namespace detail

/// Probes if overlay mounts work on this host.
inline Answer probe_overlay(fs::path const& temp_dirs) {
  return detail::ask([&] {
    detail::ProbeMount const probe(temp_dirs);
    probe.mount({});
    return std::string();
  });
}

/// Probes if a layer's `diff` shows exactly what changed. It does not if a directory's opaque mark is copied
/// up with it, or if a renamed directory is recorded as a redirection (kernel documentation,
/// filesystems/overlayfs).
inline Answer probe_native_diff(fs::path const& temp_dirs, std::vector<std::string> const& options) {
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

/// Probes if a change of mode leaves a file's contents in the lower layer.
inline Answer probe_metacopy(fs::path const& temp_dirs, std::vector<std::string> const& options) {
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

/// Probes if a mount can omit flushing (`volatile`, Linux 5.10).
inline Answer probe_volatile(fs::path const& temp_dirs) {
  return detail::ask([&] {
    detail::ProbeMount const probe(temp_dirs);
    probe.mount({"volatile"});
    return std::string();
  });
}

/// Probes if a lower directory can be an id-mapped mount (Linux 5.19).
inline Answer probe_idmapped_lower(fs::path const& temp_dirs) {
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
