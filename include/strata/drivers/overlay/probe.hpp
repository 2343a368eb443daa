#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
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

  std::optional<Answer> find(std::string const& feature) const;

  /// A feature that cannot be a file name (it may contain a mount option with a slash) is not recorded.
  void put(std::string const& feature, Answer const& finding) const;

 private:
  fs::path directory_;
};

namespace detail {

/// Two lower directories, an upper and a mount of them, in a staging directory on the driver's file system.
class ProbeMount {
 public:
  explicit ProbeMount(fs::path const& temp_dirs);
  ~ProbeMount();
  ProbeMount(ProbeMount const&) = delete;
  ProbeMount& operator=(ProbeMount const&) = delete;

  fs::path path(std::string_view name) const { return directory_.path() / name; }
  void make(std::string_view name) const;
  void make_file(std::string_view name) const;
  void mount(std::vector<std::string> const& options, fs::path const& far = {}) const;
  archive::OverlayXattr names() const noexcept { return names_; }
  bool has_xattr(std::string_view name, char const* key) const;

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
Answer probe_overlay(fs::path const& temp_dirs);

/// Probes if a layer's `diff` shows exactly what changed. It does not if a directory's opaque mark is copied
/// up with it, or if a renamed directory is recorded as a redirection (kernel documentation,
/// filesystems/overlayfs).
Answer probe_native_diff(fs::path const& temp_dirs, std::vector<std::string> const& options);

/// Probes if a change of mode leaves a file's contents in the lower layer.
Answer probe_metacopy(fs::path const& temp_dirs, std::vector<std::string> const& options);

/// Probes if a mount can omit flushing (`volatile`, Linux 5.10).
Answer probe_volatile(fs::path const& temp_dirs);

/// Probes if a lower directory can be an id-mapped mount (Linux 5.19).
Answer probe_idmapped_lower(fs::path const& temp_dirs);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/probe.ipp>
#endif
